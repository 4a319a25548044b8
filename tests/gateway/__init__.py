"""The gateway: HTTP and XML-RPC for supervisord's clients."""
