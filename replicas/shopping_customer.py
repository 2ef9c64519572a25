"""Customers of Shopping: the users, with what a parcel and its receipt need."""

from tether import Replica

shopping_customer = Replica("shopping_customer", of="user", fields=("name", "email"))
