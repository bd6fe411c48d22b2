import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lti_tool", "0003_launch_deployment_required"),
    ]

    operations = [
        migrations.CreateModel(
            name="LocalDetails",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("dsl_name", models.CharField(blank=True, max_length=80)),
                ("dsl_phone", models.CharField(blank=True, max_length=40)),
                ("dsl_where", models.CharField(blank=True, max_length=120)),
                ("deputies", models.JSONField(blank=True, default=list)),
                ("policy_url", models.URLField(blank=True, max_length=500)),
                ("front_door_name", models.CharField(blank=True, max_length=80)),
                ("front_door_phone", models.CharField(blank=True, max_length=40)),
                ("lado_name", models.CharField(blank=True, max_length=80)),
                ("lado_phone", models.CharField(blank=True, max_length=40)),
                ("out_of_hours_name", models.CharField(blank=True, max_length=80)),
                ("out_of_hours_phone", models.CharField(blank=True, max_length=40)),
                ("rules", models.JSONField(blank=True, default=list)),
                ("confirmed_on", models.DateField(blank=True, null=True)),
                ("version", models.PositiveIntegerField(default=0)),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="lti_tool.ltiuser",
                    ),
                ),
                (
                    "context",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="local_details",
                        to="lti_tool.context",
                    ),
                ),
                (
                    "school",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="local_details",
                        to="lti_tool.school",
                    ),
                ),
                (
                    "trust",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="local_details",
                        to="lti_tool.trust",
                    ),
                ),
            ],
            options={
                "verbose_name": "local details",
                "verbose_name_plural": "local details",
            },
        ),
        migrations.CreateModel(
            name="LocalDetailsChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("changed", "Changed"), ("confirmed", "Confirmed")], max_length=10
                    ),
                ),
                ("at", models.DateTimeField()),
                ("fields", models.JSONField(default=list)),
                ("reads", models.JSONField()),
                (
                    "context",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lti_tool.context",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="local_changes",
                        to="lti_tool.ltiuser",
                    ),
                ),
                (
                    "details",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="lti_tool.localdetails",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LocalReminder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "details",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reminders",
                        to="lti_tool.localdetails",
                    ),
                ),
                (
                    "lti_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="local_reminders",
                        to="lti_tool.ltiuser",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="localdetails",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("context", None), ("school__isnull", False), ("trust", None)),
                    models.Q(("context__isnull", False), ("school", None), ("trust", None)),
                    models.Q(("context", None), ("school", None), ("trust__isnull", False)),
                    _connector="OR",
                ),
                name="local_details_of_one_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="localdetailschange",
            index=models.Index(fields=["details", "-at"], name="changes_of_local_details"),
        ),
        migrations.AddConstraint(
            model_name="localreminder",
            constraint=models.UniqueConstraint(fields=("details", "lti_user"), name="local_reminder_of_user"),
        ),
    ]
