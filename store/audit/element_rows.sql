-- name: verify_element_facts
-- What is stored of each single element of a list: the order key of the newest fact about it, and what it says.
select relationship, key, element, order_key, added from element_facts where tenant = :tenant
