"""The paths of the API that can spend."""

from __future__ import annotations

from django.db import models


class Endpoint(models.TextChoices):
    CHAT_COMPLETIONS = "chat.completions", "Chat completions"
    RESPONSES = "responses", "Responses"
    COMPLETIONS = "completions", "Completions"
    EMBEDDINGS = "embeddings", "Embeddings"
    MODERATIONS = "moderations", "Moderations"
    IMAGES_GENERATIONS = "images.generations", "Image generation"
    IMAGES_EDITS = "images.edits", "Image edits"
    AUDIO_SPEECH = "audio.speech", "Speech"
    AUDIO_TRANSCRIPTIONS = "audio.transcriptions", "Transcription"
    AUDIO_TRANSLATIONS = "audio.translations", "Translation"
