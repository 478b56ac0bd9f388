"""Small parts of pages: icons and form controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
ICONS = "vendor/tabler-icons-3.51.0/icons.svg"


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon of the sprite; it says nothing to screen readers."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>',
        static(ICONS),
        name,
    )


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """Draw a field's widget in the look of its kind."""
    return field.as_widget(attrs={"class": control_class(field.field.widget)})


@register.filter
def of(values: Mapping[Any, Any], key: Any) -> Any:
    """Return what belongs to a key, or nothing."""
    return values.get(key)


def control_class(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return ""
    if isinstance(widget, forms.Select):
        return "form-select"
    return "form-control"
