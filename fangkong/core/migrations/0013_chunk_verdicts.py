from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0012_webhooks")]
    operations = [migrations.RenameField("importchunk", "said", "verdicts")]
