"""The command lines of supervisord and supervisorctl, for those who come from there."""
