"""The pages behind the login: decisions, one product, catalogues, devices, refused events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.errors import TagletError
from server.admin import certainty
from server.admin.answers import dress
from server.admin.asked import Asked, asked
from server.admin.entrance import session_cookie
from server.admin.forms import FIELD, form_token, require_own_form
from server.admin.plot import KINDS, plots_of
from server.admin.wording import FILTERS
from server.app.problems import Problem
from server.app.service import service
from server.database import decisions as counted
from server.database import fleet, refusals
from server.database.decisions import ProductCounts, Window
from server.standing import standing

ROWS = 50
SUSPECTS = 20
CANDIDATES = 500

blueprint = Blueprint("admin", __name__, url_prefix="/admin", template_folder="templates")
dress(blueprint)


@dataclass(frozen=True)
class Paging:
    """A long table's page.

    Attributes:
        page: from 1.
        rows: of the whole table.
    """

    page: int
    rows: int

    @property
    def start(self) -> int:
        """Row that it begins with, from 0."""
        return (self.page - 1) * ROWS

    @property
    def last(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.rows // ROWS))


@blueprint.before_request
def guard() -> Response | None:
    """Let nobody in without a session, and no form that is not its own."""
    g.secret = session_cookie()
    if not g.secret:
        return redirect(url_for("admin_entrance.ask"), 303)
    if request.method == "POST":
        require_own_form(g.secret)
    return None


@blueprint.context_processor
def common() -> dict[str, Any]:
    """What every page's frame needs."""
    return {"form_field": FIELD, "form_token": form_token(g.secret) if g.get("secret") else "", "kinds": KINDS}


for _name, _filter in FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)


@blueprint.get("")
def decisions() -> str:
    """What devices decided: in all, over time, by product, and which products stand out."""
    here, what = service(), _asked()
    window = what.window()
    rows, in_all = counted.products(here.engine, window, ROWS, ROWS * (what.page - 1))
    steps, step_s = counted.course(here.engine, window)
    return render_template(
        "admin/decisions.html",
        asked=what,
        catalogs=counted.decided_catalogs(here.engine),
        total=counted.summed(steps),
        steps=steps,
        step_s=step_s,
        plots=plots_of(steps),
        suspects=[_suspect(product, window) for product in _often_rejected(window)],
        products=[(p, _title(p)) for p in rows],
        paging=Paging(what.page, in_all),
        certainty=certainty,
    )


@blueprint.get("/product")
def product() -> str:
    """One product: what was decided on it, over time, and what it was corrected to."""
    here, what = service(), _asked()
    if not what.product or not what.catalog:
        raise Problem(400, "name a catalogue and a product: follow a link of the table of products")
    window = what.window()
    steps, step_s = counted.course(here.engine, window)
    found, _ = counted.products(here.engine, window, 1)
    corrected = counted.corrections(here.engine, window, ROWS)
    return render_template(
        "admin/product.html",
        asked=what,
        title=here.listed.title(what.catalog, what.product),
        product=found[0] if found else None,
        bound=certainty.wilson(found[0].against, found[0].devices) if found else None,
        often_rejected=bool(found) and certainty.is_often_rejected(found[0]),
        steps=steps,
        step_s=step_s,
        plots=plots_of(steps),
        corrections=[(c, here.listed.title(what.catalog, c.product_id)) for c in corrected],
        certainty=certainty,
    )


@blueprint.get("/catalogues")
def catalogues() -> str:
    """What is published, how large it is, and how long it stays valid."""
    here = service()
    try:
        state = standing(here.settings.repository, datetime.fromtimestamp(here.now_s(), UTC))
        sentence = ""
    except (TagletError, OSError):
        state, sentence = None, "What is published cannot be read: run “python -m server status”."
    return render_template("admin/catalogues.html", state=state, sentence=sentence)


@blueprint.get("/devices")
def devices() -> str:
    """Which devices there are, which version they have, when they last sent."""
    here, what = service(), _asked()
    paging = Paging(what.page, fleet.count_devices(here.engine))
    return render_template(
        "admin/devices.html",
        versions=fleet.versions_in_use(here.engine),
        devices=fleet.devices_seen(here.engine, ROWS, paging.start),
        paging=paging,
    )


@blueprint.get("/refused")
def refused() -> str:
    """Why events were refused."""
    here, what = service(), _asked()
    paging = Paging(what.page, refusals.count_refusals(here.engine))
    rows = refusals.list_refusals(here.engine, ROWS, paging.start)
    return render_template("admin/refused.html", refusals=rows, kept=refusals.KEPT, paging=paging)


def _asked() -> Asked:
    return asked(request.args, service().now_s())


def _often_rejected(window: Window) -> list[ProductCounts]:
    least = (certainty.LEAST_DEVICES, certainty.LEAST_DECISIONS, certainty.SURELY_ABOVE)
    candidates = counted.decided_against(service().engine, window, *least, CANDIDATES)
    return certainty.often_rejected(candidates)[:SUSPECTS]


def _suspect(product: ProductCounts, window: Window) -> dict[str, Any]:
    """Return a row: a product with its bound, and the product that most devices name instead."""
    own = Window(window.since_s, window.until_s, product.catalog, product.product_id)
    instead = next(iter(counted.corrections(service().engine, own, 1)), None)
    named = instead and service().listed.title(product.catalog, instead.product_id)
    bound = certainty.surely_against(product)
    return {"product": product, "title": _title(product), "bound": bound, "instead": instead, "instead_title": named}


def _title(product: ProductCounts) -> str | None:
    return service().listed.title(product.catalog, product.product_id)
