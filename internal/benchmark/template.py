"""A function that does what the Python template for CKafka to Elasticsearch does.

usage: template.py FOLDER PARTITIONS SKIP

It handles the events in the files of the folder, one after the other, without
the first SKIP. File number N is of partition N modulo PARTITIONS. As with the
trigger, an event whose handling fails comes again, before the next of its
partition and without holding up the other partitions. After each event it writes
a line, and at the end how long all of them took. The variables are the template's
own.
"""

import datetime
import json
import os
import sys
import time

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

IGNORED = os.getenv("ES_Log_IgnoreWord")
INDEX = os.getenv("ES_Index_KeyWord")
INDEX_FORMAT = os.getenv("ES_Index_TimeFormat")
LOGIN = (os.getenv("ES_User"), os.getenv("ES_Password")) if os.getenv("ES_User") else None
PAUSE = 1  # seconds, when every partition's event has failed

client = Elasticsearch([os.getenv("ES_Address")], http_auth=LOGIN)


def clean(log):
    if IGNORED:
        for word in IGNORED.split(","):
            log.pop(word, None)
    log["time"] = datetime.datetime.now().isoformat()
    return log


def documents(records):
    for record in records:
        body = record["Ckafka"]["msgBody"]
        try:
            log = body
            while type(log) is not dict:
                log = json.loads(log)
            if "message" in log and type(log["message"]) is str:
                message = json.loads(log["message"])
                log.pop("message", None)
                log.update(message)
            log = clean(log)
        except Exception:
            log = {"msg_body": body}
        log["_index"] = INDEX + "-" + datetime.datetime.now().strftime(INDEX_FORMAT)
        if "log_id" in log:
            log["_id"] = log["log_id"]
        yield log


def handle(event):
    bulk(client, documents(event["Records"]))


def delivered(name):
    with open(name, "rb") as f:
        text = f.read()
    try:
        handle(json.loads(text))
        print("done", flush=True)
        return True
    except Exception as e:
        print("%s comes again: %s" % (os.path.basename(name), str(e)[:200]), file=sys.stderr, flush=True)
        return False


def main():
    folder, partitions, skip = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    begin = time.perf_counter()
    queues = [[] for _ in range(partitions)]
    for name in reversed(sorted(os.listdir(folder))[skip:]):
        queues[int(name.split(".")[0]) % partitions].append(os.path.join(folder, name))
    turn = skip % partitions
    queues = queues[turn:] + queues[:turn]
    while any(queues):
        progress = False
        for queue in queues:
            if queue and delivered(queue[-1]):
                queue.pop()
                progress = True
        if not progress:
            time.sleep(PAUSE)
    print(json.dumps({"seconds": time.perf_counter() - begin}))


main()
