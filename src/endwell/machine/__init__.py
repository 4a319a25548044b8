"""Pure decisions: what follows from what has happened. Nothing here touches the system."""
