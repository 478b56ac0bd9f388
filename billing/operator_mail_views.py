"""Every mail that the product sends, for operators to look at."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.mail_samples.gallery import gallery, sample_named
from orgs.access import OperatorRequest, operator_view


@require_safe
@operator_view
def mail_previews(request: OperatorRequest) -> HttpResponse:
    """List every mail with its occasion."""
    samples = gallery(now=timezone.now())
    context = {"rows": [(sample, sample.draft()) for sample in samples]}
    return render(request, "operator/mail_previews.html", context)


@require_safe
@operator_view
def mail_preview(request: OperatorRequest, sample_name: str) -> HttpResponse:
    """Show one mail, filled in with sample data."""
    sample = sample_named(sample_name, now=timezone.now())
    if sample is None:
        raise Http404
    draft = sample.draft()
    context = {
        "sample": sample,
        "draft": draft,
        "text": draft.body_text,
        "html": draft.body_html,
    }
    return render(request, "operator/mail_preview.html", context)
