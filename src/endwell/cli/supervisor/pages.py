"""The pages of supervisorctl's help, by command."""

from __future__ import annotations

PAGES = {
    name: text.strip("\n")
    for name, text in {
        "add": "add <group> [...]\tRun groups that the file has and that do not run yet",
        "avail": "avail\t\t\tShow all processes of the file, whether they are in use or not",
        "clear": """
clear <name> [...]\tEmpty the log files of processes
clear all\t\tEmpty the log files of all processes""",
        "exit": "exit\tLeave the shell",
        "fg": """
fg <process>\tShow what a process writes, and pass on to it what is typed
\t\tCtrl-C ends it""",
        "maintail": """
maintail\tShow the last 1600 bytes of supervisord's own log
maintail -100\tShow the last 100 bytes of it
maintail -f\tShow what is written to it; Ctrl-C ends it""",
        "open": "open <url>\tTalk to this server from now on: http://host:port or unix:///path/to/socket",
        "pid": """
pid\t\t\tShow the process id of supervisord
pid <name> [...]\tShow those of processes
pid all\t\t\tShow those of all processes, one in a line""",
        "quit": "quit\tLeave the shell",
        "reload": "reload\t\t\tRestart supervisord: stop everything, read the file, start everything",
        "remove": "remove <group> [...]\tGive up groups, which have to be stopped",
        "reread": "reread\t\t\tRead the file and show what is new in it; nothing is changed",
        "restart": """
restart <name> [...]\tStop processes, then start them
restart <group>:*\tStop and start all processes of a group
restart all\t\tStop and start all processes
The file is not read again: for that, see reread and update.""",
        "shutdown": "shutdown\t\tStop all processes and supervisord",
        "signal": """
signal <signal> <name> [...]\tSend a signal to processes
signal <signal> <group>:*\tSend it to all processes of a group
signal <signal> all\t\tSend it to all processes""",
        "start": """
start <name> [...]\tStart processes
start <group>:*\t\tStart all processes of a group
start all\t\tStart all processes""",
        "status": """
status\t\t\tShow the states of all processes
status <name> [...]\tShow those of processes
status <group>:*\tShow those of all processes of a group""",
        "stop": """
stop <name> [...]\tStop processes
stop <group>:*\t\tStop all processes of a group
stop all\t\tStop all processes""",
        "tail": """
tail [-f|-<bytes>] <name> [stdout|stderr]\tShow the end of a log; stdout where nothing is said
tail <name>\t\tShow the last 1600 bytes
tail -100 <name>\tShow the last 100 bytes
tail -f <name>\t\tShow what is written to it; Ctrl-C ends it""",
        "update": """
update\t\t\tRead the file and make it so; groups that have changed are restarted
update <group> [...]\tThe same for these groups only""",
        "version": "version\t\t\tShow the version of supervisord",
    }.items()
}
