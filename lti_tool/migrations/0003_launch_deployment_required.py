import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lti_tool", "0002_any_vle_connects"),
    ]

    operations = [
        migrations.AlterField(
            model_name="launch",
            name="deployment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="lti_tool.deployment",
            ),
        ),
    ]
