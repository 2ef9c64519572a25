#!/bin/sh
# Makes the namespace and the search attributes that Tether's workflows carry. Running it again changes nothing
# but the retention. Needs the temporal CLI, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (both read by the CLI itself).
set -eu

: "${TEMPORAL_ADDRESS:?is host:port of the Temporal frontend}"
: "${TEMPORAL_NAMESPACE:?is the namespace to make}"
retention=${TEMPORAL_RETENTION:-168h}
attempts=60

until temporal operator cluster health >/dev/null 2>&1; do
    attempts=$((attempts - 1))
    if [ "$attempts" -eq 0 ]; then
        echo "Temporal at $TEMPORAL_ADDRESS is not healthy after two minutes; see the log of the service temporal." >&2
        exit 1
    fi
    sleep 2
done

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
else
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
fi

# A new namespace reaches every frontend within seconds, not at once.
attempts=30
until known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" 2>/dev/null); do
    attempts=$((attempts - 1))
    if [ "$attempts" -eq 0 ]; then
        echo "The namespace $TEMPORAL_NAMESPACE does not show up; see the log of the service temporal." >&2
        exit 1
    fi
    sleep 1
done

for name in TetherRelationship TetherEntity TetherOwner TetherState; do
    case $known in
        *"$name "*) ;;
        *) temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword ;;
    esac
done
echo "namespace $TEMPORAL_NAMESPACE: ready, finished workflows are kept for $retention"
