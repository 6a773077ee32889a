"""`/docs` and `/openapi.json`: Swagger UI from the installed package, no request to another host.

FastAPI describes the API in OpenAPI 3.1; the Swagger UI of the package reads 3.0, so the
description is written in that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, HTMLResponse, Response
from swagger_ui_bundle import swagger_ui_path

from monitor.api.problem import Problem

_VENDOR = Path(str(swagger_ui_path))
_ASSETS = {
    "swagger-ui.css": _VENDOR / "swagger-ui.css",
    "swagger-ui-bundle.js": _VENDOR / "swagger-ui-bundle.js",
    "favicon.png": _VENDOR / "favicon-32x32.png",
    "start.js": Path(__file__).with_name("docs_start.js"),
    "page.css": Path(__file__).with_name("docs_page.css"),
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>News Monitor API</title>
<link rel="icon" href="/docs/favicon.png" type="image/png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<nav class="back" aria-label="Main"><a href="/">← Back to News Monitor</a></nav>
<noscript>This page needs JavaScript; the same description is at
<a href="/openapi.json">/openapi.json</a>.</noscript>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> Response:
    """Show the API's description."""
    return HTMLResponse(_PAGE)


@router.get("/docs/{name}")
async def asset(name: str) -> Response:
    """Return one of the few files of the page."""
    if name not in _ASSETS:
        raise HTTPException(404)
    return FileResponse(_ASSETS[name])


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description of an application, written once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.0.3",
            summary=None,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        components["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            components.pop(unused, None)
        app.openapi_schema = _as_3_0(schema)
    return app.openapi_schema


def _as_3_0(node: Any) -> Any:
    """Rewrite what OpenAPI 3.1 says otherwise than 3.0: null, const and lists of types."""
    if isinstance(node, list):
        return [_as_3_0(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {key: _as_3_0(value) for key, value in node.items()}
    options = made.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        del made["anyOf"]
        made |= {"nullable": True} | (rest[0] if len(rest) == 1 else {"anyOf": rest})
    if "const" in made:
        made["enum"] = [made.pop("const")]
    return made
