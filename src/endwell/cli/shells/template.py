"""Text with places to fill in. The shells use $ and {} themselves, so a place is {{name}}."""


def fill(template: str, **lines: list[str]) -> str:
    """Put lines in the places of a template that carry their names."""
    for name, text in lines.items():
        template = template.replace(f"{{{{{name}}}}}", "\n".join(text))
    return template
