"""Pages of the operator's admin that ask before something is done to a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

LONGEST_REASON = 500


class ReasonForm(forms.Form):
    """Why; without a label nothing is asked but whether one is sure."""

    reason = forms.CharField(
        max_length=LONGEST_REASON, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )

    def __init__(self, data: object, *, label: str) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        if not label:
            del self.fields["reason"]
        else:
            self.fields["reason"].label = label

    def clean_reason(self) -> str:
        return " ".join(self.cleaned_data["reason"].split())


@dataclass(frozen=True, slots=True)
class Question:
    """What the page says, and what is done with the reason once it is sent."""

    title: str
    explanation: str
    button: str
    act: Callable[[str], None]
    done: str
    reason_label: str = ""


def ask(
    model_admin: ModelAdmin[Model],
    request: HttpRequest,
    row: Model,
    question: Question,
) -> HttpResponse:
    """Show the question; act when it is sent, and go back to the row."""
    options = model_admin.model._meta
    back = reverse(
        f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk]
    )
    sent = request.POST if request.method == "POST" else None
    form = ReasonForm(sent, label=question.reason_label)
    if sent is not None and form.is_valid():
        question.act(form.cleaned_data.get("reason", ""))
        messages.success(request, question.done)
        return redirect(back)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": question.title,
        "question": question,
        "form": form,
        "back": back,
        "opts": options,
    }
    status = 200 if sent is None else 422
    return render(request, "admin/question.html", context, status=status)
