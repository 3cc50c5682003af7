"""A function that does what the Python template for CKafka to Elasticsearch does.

usage: template.py FOLDER SKIP

It handles the events in the files of the folder, one after the other, without
the first SKIP. An event whose handling fails comes again after a second, as the
trigger delivers it again. After each event it writes a line, and at the end how
long all of them took. The variables are the template's own.
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
RETRIES = 10000
PAUSE = 1

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


def deliver(name):
    with open(name, "rb") as f:
        text = f.read()
    for _ in range(RETRIES):
        try:
            handle(json.loads(text))
            return
        except Exception as e:
            print("%s: the event comes again: %s" % (os.path.basename(name), str(e)[:200]), file=sys.stderr, flush=True)
            time.sleep(PAUSE)


def main():
    folder, skip = sys.argv[1], int(sys.argv[2])
    begin = time.perf_counter()
    for name in sorted(os.listdir(folder))[skip:]:
        deliver(os.path.join(folder, name))
        print("done", flush=True)
    print(json.dumps({"seconds": time.perf_counter() - begin}))


main()
