"""The application's health check: can it be reached, and can it reach what it needs?"""
import sys
import urllib.request

with urllib.request.urlopen("http://127.0.0.1:8000/", timeout=3) as answer:
    sys.exit(0 if answer.status == 200 else 1)
