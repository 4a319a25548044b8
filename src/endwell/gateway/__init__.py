"""supervisord's remote interface, for the clients there are: HTTP and XML-RPC, in a process of its own.

The supervisor holds the listening sockets and starts this process when the first client comes, so that what
all this needs is loaded only where it is used, and whatever a client does is done to this process alone. It
asks the supervisor by the control protocol, and leaves when nobody has come for a while.
"""
