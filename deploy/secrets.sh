#!/bin/sh
# Makes the passwords that docker-compose.yml hands to its services, once:
#
#   deploy/secrets.sh [FOLDER [HOST [CA]]]
#
# FOLDER  `secrets` beside docker-compose.yml unless told otherwise (then set KAOLABEL_SECRETS to it). It
#         belongs to this user alone. The files in it may be read by whom they are mounted for: Compose
#         mounts them as they are, and each server's image has a user of its own.
# HOST    where Redis and PostgreSQL are, in the place of Compose's services of these names. They are
#         spoken to by TLS, unless it is 127.0.0.1.
# CA      file of the authority that vouches for HOST, as services see it: /etc/kaolabel/ca.pem
set -eu
umask 077

folder=${1:-$(dirname "$0")/../secrets}
host=${2:-}
ca=${3:-/etc/kaolabel/ca.pem}
if [ -e "$folder" ]; then
    echo "secrets.sh: $folder exists, and the servers know the passwords in it; it stays as it is" >&2
    echo "secrets.sh: for new ones, remove it and the volumes of Redis and PostgreSQL" >&2
    exit 1
fi

password() {
    head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

redis=$(password)
postgres=$(password)
hash=$(printf %s "$redis" | sha256sum | cut -d' ' -f1)

case $host in
"")
    broker=redis://kaolabel:$redis@redis:6379/0
    database=postgresql://kaolabel:$postgres@postgres/kaolabel
    ;;
127.0.0.1)
    broker=redis://kaolabel:$redis@127.0.0.1:6379/0
    database=postgresql://kaolabel:$postgres@127.0.0.1/kaolabel
    ;;
*)
    broker=rediss://kaolabel:$redis@$host:6380/0
    database="postgresql://kaolabel:$postgres@$host/kaolabel?sslmode=verify-full&sslrootcert=$ca"
    ;;
esac

draft=$(mktemp -d "$(dirname "$folder")/.secrets.XXXXXX")
trap 'rm -rf "$draft"' EXIT
put() {
    cat >"$draft/$1"
    chmod 0444 "$draft/$1"
}

# What kaolabel needs of a Redis, as docs/security.md tells it; the password stands there as its hash.
put redis_users <<END
user default off
user kaolabel on #$hash ~kaolabel.* ~_kombu.* ~unacked* ~*.celery.pidbox* ~celeryev.* ~celery-task-meta-* resetchannels &/0.celery.pidbox &/0.celeryev/* &/0.celeryev/worker.* &celery-task-meta-* +@read +@write +@pubsub +@transaction +@scripting +@connection -@dangerous +time
END
printf %s "$redis" | put redis_password
printf %s "$postgres" | put postgres_password
printf %s "$broker" | put broker_url
printf %s "$database" | put database_url
password | put flower_password
password | put grafana_password

mv "$draft" "$folder"
trap - EXIT
echo "$folder: passwords of Redis, PostgreSQL, Flower (user kaolabel) and Grafana (user admin)" >&2
