"""What a catalogue says of one product."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProductRecord:
    """One product of the catalogue; empty strings where the catalogue is silent.

    Attributes:
        product_id: the operator's own id, unique in the shard.
        title: what a person reads.
        price: decimal number as text, such as "12.90".
        currency: ISO 4217 code.
        url: page of the product.
        image_url: picture of the product.
        brand: maker.
        category: as the operator names it.
        region: as the operator names it, such as "SE".
        in_stock: whether it can be had, None if unknown.
    """

    product_id: str
    title: str
    price: str = ""
    currency: str = ""
    url: str = ""
    image_url: str = ""
    brand: str = ""
    category: str = ""
    region: str = ""
    in_stock: bool | None = None
