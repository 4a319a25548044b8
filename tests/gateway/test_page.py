"""The page, request by request: who may see it, whose clicks count, what names and logs can do to it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from endwell.model.gateway import Door
from tests.gateway.fake import to_the_end
from tests.gateway.pages import STOP, Elements, Site, service, token_of

if TYPE_CHECKING:
    from endwell.model.control import Value

OPEN = Door(section="web", calls=False)
CLOSED = Door(section="web", username="kim", password="secret", calls=False)  # noqa: S106  made up
HERE = "127.0.0.1:9080"
EVIL = "<script>alert(1)</script>"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


KIM = {"Authorization": basic("kim:secret"), "Host": HERE}


# --------------------------------------------------------------------------------------------- what it shows


def test_all_services_the_plan_and_the_last_stop() -> None:
    stop = {"asked": 1700.0, "told": 1701.0, "killed": 1703.0, "ended": 1703.25, "how": "ended by SIGKILL"}
    rows = [service("web"), service("db", state="STOPPED", code=0, pid=0, stop=stop, stopped=1703.25)]
    with Site(rows, OPEN) as site:
        answer = site.get("/")
        page = Elements(answer.text)
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/html;charset=utf-8"
        assert "1 of 2 ready" in page.text
        states = {one["id"]: one for one in page.all("tr") if "id" in one}
        assert states.keys() == {"service-web", "service-db"}
        assert [one["data-state"] for one in page.all("td") if "data-state" in one] == ["RUNNING", "STOPPED"]
        assert "It fits: the stop takes 4s at the worst, and has the 9.5s that are left" in page.text
        assert "1 service in 3.25 s" in page.text
        assert "1 had to be killed." in page.text
        assert "db: told SIGTERM at 1 s; db: SIGKILL at 3 s; db: ended by SIGKILL at 3.25 s" in page.text
        assert [one["class"] for one in page.all("rect")] == ["bar drain", "bar killed"]
        # What can be done: a service that runs is not started, one that does not is not stopped.
        actions = {one["action"] for one in page.all("form")}
        assert actions == {"services/web/restart", "services/web/stop", "services/db/start"}
        assert site.get("/index.html").status == 200


def test_a_stop_that_does_not_fit_is_said() -> None:
    stop = {**STOP, "fits": False, "wanted": 20.0, "chain": ["web", "db"]}
    stop["steps"] = [{**STOP["steps"][0], "cut": True, "wanted": 20.0}]
    with Site([service("web")], OPEN, stop=stop) as site:
        text = Elements(site.get("/").text).text
        assert "It does not fit: the stop takes 20s at the worst (one after another: web, db)" in text
        assert "cut from 20s" in text


def test_no_deadline_is_no_number() -> None:
    stop = {**STOP, "grace": None, "budget": None}
    with Site([], OPEN, stop=stop, project={"grace": float("inf")}) as site:
        text = Elements(site.get("/").text).text
        assert "There is no deadline; it takes 4s at the worst." in text
        assert "grace unlimited" in text
        assert "Nobody was stopped yet." in text


def test_one_service_and_its_log() -> None:
    lines = [
        {"stream": "stdout", "time": 0.0, "text": "first"},
        {"stream": "stderr", "time": None, "text": "\x1b[31mred\x1b[0m \x1b]0;title\x07\u202e\udcff"},
    ]

    def logs(value: Value) -> Value:
        for line in lines:
            site.send({"id": value["id"], "more": line})
        return {}

    process: Value = {
        "label": "web",
        "pid": 7,
        "ppid": 1,
        "user": "kim",
        "state": "S",
        "cpu": 61.0,
        "rss": 3 << 20,
        "started": 1000.0,
        "command": f"sh {EVIL}",
    }
    row = service("web", command=["sh", "-c", "a b"], user="kim", restarts=3)
    site = Site([row], OPEN, processes=[process], handlers={"logs": logs})
    with site:
        answer = site.get("/services/web")
        page = Elements(answer.text)
        assert answer.status == 200
        assert "Command sh -c 'a b' User kim PID 4242" in page.text
        assert "0:01:01 3.0 MiB" in page.text
        assert "00:00:00 first" in page.text
        # Colors are left out, what could do more than be seen is written out.
        assert r"red \u202e\xff" in page.text
        assert [one["class"] for one in page.all("li")] == ["stdout", "stderr"]
        assert site.asked("logs")[0]["services"] == ["web:web"]
        assert EVIL not in answer.text


def test_names_are_names() -> None:
    names = [EVIL, "a/../b", 'q"uote', "sp ace", "p%41", "#?&", "ü\udcff"]
    rows = [service(name, label=name, why=EVIL, command=[EVIL], group=name) for name in names]
    with Site(rows, OPEN, project={"file": EVIL, "identifier": EVIL}) as site:
        answer = site.get("/")
        page = Elements(answer.text)
        assert len(page.all("script")) == 1
        assert answer.text.count(EVIL) == 0
        assert EVIL in page.text
        # Every link leads to its service, and nowhere else.
        links = [one["href"] for one in page.all("a") if one["href"].startswith("services/")]
        assert len(links) == len(set(links)) == len(names)
        for link in links:
            assert re.fullmatch(r"services/[A-Za-z0-9_.%~-]+", link)
            found = site.get(f"/{link}")
            assert found.status == 200
            assert EVIL not in found.text
        identifiers = [one["id"] for _, one in page.elements if "id" in one]
        assert len(identifiers) == len(set(identifiers))


def test_supervisords_names_are_kept() -> None:
    rows = [
        service("web", label="web-1", process="web_00", group="web"),
        service("solo", label="solo-1", process="solo"),
    ]
    with Site(rows, OPEN) as site:
        page = Elements(site.get("/").text)
        links = [one["href"] for one in page.all("a") if one["href"].startswith("services/")]
        assert links == ["services/web%3Aweb_00", "services/solo"]
        assert "web:web_00" in page.text
        for link in links:
            assert site.get(f"/{link}").status == 200
        assert site.post("/services/web%3Aweb_00/stop").status == 303
        assert site.asked("stop")[0]["services"] == ["web:web_00"]


def test_a_browser_is_told_to_load_nothing_and_to_run_our_script_only() -> None:
    with Site([service("web")], OPEN) as site:
        answer = site.get("/")
        policy = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["form-action"] == policy["connect-src"] == "'self'"
        for tag, source in (("style", "style-src"), ("script", "script-src")):
            (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
            assert policy[source] == f"'sha256-{digest}'"
        # No attribute is a style or a script, which the policy would not let through.
        assert not [
            name
            for _, one in Elements(answer.text).elements
            for name in one
            if name == "style" or name[:2] == "on"
        ]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "http" not in re.sub(r"<script>.*?</script>", "", answer.text, flags=re.DOTALL)


# -------------------------------------------------------------------------------------------- who may see it


@pytest.mark.parametrize("path", ["/", "/services/web", "/services/web/log", "/events", "/metrics", "/none"])
def test_a_password_is_asked_for(path: str) -> None:
    with Site([service("web")], CLOSED) as site:
        answer = site.get(path)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert site.get(path, Authorization=basic("kim:wrong")).status == 401
        assert site.requests == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_whoever_asks_whether_we_are_there_needs_none(path: str) -> None:
    with Site([service("web")], CLOSED) as site:
        assert site.get(path).status == 200
        assert site.get(path, Host="pod.example.org").text == "ok\n"
        assert site.get(path, "POST").status == 405


def test_who_has_the_password_sees_it() -> None:
    with Site([service("web")], CLOSED) as site:
        assert site.get("/", **KIM).status == 200
        assert site.get("/", **{**KIM, "Host": "box.example.org"}).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9080", 200),
        ("[::1]:9080", 200),
        ("10.1.2.3", 200),
        ("localhost:9080", 200),
        ("app.localhost:9080", 200),
        ("box", 200),
        ("evil.example:9080", 403),
        ("127.0.0.1.evil.example", 403),
        ("[", 200),
    ],
)
def test_without_a_password_names_of_others_are_not_ours(host: str, status: int) -> None:
    with Site([service("web")], OPEN) as site:
        for path in ("/", "/metrics", "/services/web"):
            answer = site.get(path, Host=host)
            assert answer.status == status
            assert status == 200 or "set a username and a password" in answer.text


def test_a_unix_socket_is_beyond_the_reach_of_any_page() -> None:
    with Site([service("web")], Door(section="unix_http_server", local=True)) as site:
        assert site.get("/", Host="evil.example").status == 200


def test_supervisords_clients_have_doors_of_their_own() -> None:
    with Site([service("web")], OPEN) as site:
        assert site.get("/RPC2", "POST", "<methodCall/>").status == 404
        assert site.get("/logtail/web").status == 404
    with Site([service("web")], Door(section="inet_http_server")) as site:
        assert site.get("/RPC2", "POST", "no call").status == 400
        assert site.get("/").status == 200


# ---------------------------------------------------------------------------------------- whose clicks count


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
def test_a_click_does_it_and_leads_back(action: str) -> None:
    with Site([service("web"), service("g x")], CLOSED) as site:
        answer = site.post(
            f"/services/web/{action}", Sec_Fetch_Site="same-origin", Origin=f"http://{HERE}", **KIM
        )
        assert answer.status == 303
        assert answer.headers["location"] == "../../#service-web"
        (asked,) = site.asked(action)
        assert (asked["services"], asked["wait"]) == (["web:web"], False)
        answer = site.post(f"/services/g%20x/{action}", back="service", **KIM)
        assert answer.headers["location"] == "../g%20x"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "multipart/form-data"},
    ],
)
def test_forms_of_other_pages_do_not_count(headers: dict[str, str]) -> None:
    with Site([service("web")], CLOSED) as site:
        own = token_of(site.get("/", **KIM).text)
        answer = site.post("/services/web/stop", own, **KIM, **headers)
        assert answer.status == 403
        assert "stop" not in {one["do"] for one in site.requests}


@pytest.mark.parametrize("token", ["", "0" * 64, "ü", "\udcff"])
def test_without_the_token_it_does_not_count(token: str) -> None:
    with Site([service("web")], CLOSED) as site:
        answer = site.post("/services/web/stop", token.encode(errors="replace").decode(), **KIM)
        assert answer.status == 403
        assert "reload the page" in answer.text
        assert "stop" not in {one["do"] for one in site.requests}


def test_the_token_of_another_door_does_not_count() -> None:
    with Site([service("web")], OPEN) as one, Site([service("web")], CLOSED) as other:
        assert other.post("/services/web/stop", token_of(one.get("/").text), **KIM).status == 403


def test_a_link_does_nothing() -> None:
    with Site([service("web")], OPEN) as site:
        answer = site.get(f"/services/web/stop?token={token_of(site.get('/').text)}")
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
        assert "stop" not in {one["do"] for one in site.requests}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/none", 404),
        ("GET", "/services", 404),
        ("GET", "/services/none", 404),
        ("GET", "/services/none/log", 404),
        ("GET", "/services/web/kill", 404),
        ("GET", "/../../etc/passwd", 404),
        ("POST", "/", 405),
        ("DELETE", "/services/web", 405),
        ("POST", "/metrics", 405),
        ("HEAD", "/", 200),
        ("HEAD", "/healthz", 200),
        ("HEAD", "/events", 200),
    ],
)
def test_what_is_not_there(method: str, path: str, status: int) -> None:
    with Site([service("web")], OPEN) as site:
        assert site.get(path, method).status == status


def test_a_refusal_of_the_supervisor_is_told() -> None:
    refused = {"stop": lambda _: ("stopping", "the container is ending")}
    with Site([service("web")], OPEN, handlers=refused) as site:
        answer = site.post("/services/web/stop")
        assert answer.status == 409
        assert "the container is ending" in answer.text


# ---------------------------------------------------------------------------------------------- for monitors


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, ""),
        ({"ready": False}, "web is not ready"),
        ({"healthy": True}, ""),
        ({"healthy": False}, "web is not healthy"),
        ({"state": "STARTING", "ready": False}, "web is starting"),
        ({"state": "STOPPED", "ready": False, "waiting": "it waits for db to be ready"}, "web waits"),
        ({"state": "STOPPED", "ready": False}, "web is stopped"),
        ({"state": "STOPPED", "ready": False, "autostart": False}, ""),
        ({"state": "EXITED", "ready": False, "completed": True}, ""),
        ({"state": "EXITED", "ready": False}, "web has ended"),
        ({"state": "FATAL", "ready": False}, "web has failed"),
        ({"state": "BACKOFF", "ready": False}, "web is to be started again"),
    ],
)
def test_ready_is_when_all_are_that_start_by_themselves(other: dict[str, Any], said: str) -> None:
    with Site([service("db"), service("web", **other)], OPEN) as site:
        answer = site.get("/readyz")
        assert (answer.status, answer.text) == ((503, f"{said}\n") if said else (200, "ok\n"))
        assert site.get("/healthz").status == 200


def test_while_everything_stops_nobody_is_to_send_requests_here() -> None:
    with Site([service("web")], OPEN, project={"state": "STOPPING"}) as site:
        for path in ("/healthz", "/readyz"):
            answer = site.get(path)
            assert (answer.status, answer.text) == (503, "the container is ending\n")
        assert "The container is ending." in Elements(site.get("/").text).text


def test_the_end_of_the_supervisor_is_no_open_question() -> None:
    with Site([service("web")], OPEN, handlers={"ps": lambda _: None}) as site, site.connect() as talk:
        talk.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        site.asked("ps")
        site.talk.shutdown(2)
        assert to_the_end(talk).startswith(b"HTTP/1.1 503 ")


# --------------------------------------------------------------------------------------------- as it happens


def read_until(talk: Any, *parts: bytes) -> bytes:  # noqa: ANN401  a socket
    found = b""
    while not all(part in found for part in parts):
        piece = talk.recv(65536)
        assert piece, found
        found += piece
    return found


def test_the_log_comes_as_it_is_written() -> None:
    with Site([service("web")], OPEN, handlers={"logs": lambda _: None}) as site, site.connect() as talk:
        talk.sendall(b"GET /services/web/log HTTP/1.1\r\nHost: x\r\n\r\n")
        (asked,) = site.asked("logs")
        assert (asked["services"], asked["follow"], asked["tail"]) == (["web:web"], True, 200)
        assert b"text/event-stream" in read_until(talk, b"retry:")
        evil = f"{EVIL}\r\n\r\ndata: no\x1b[2J\udcff"
        site.send({"id": asked["id"], "more": {"stream": "stderr", "time": 3661.5, "text": evil}})
        text = read_until(talk, b"}\n\n").decode()
        (line,) = re.findall(r"^data: (.*)$", text, re.MULTILINE)
        shown = rf"{EVIL}\x0d\n\x0d\ndata: no\xff"
        assert json.loads(line) == {"stream": "stderr", "at": "01:01:01", "text": shown}
        # Who goes away is not listened to any more.
        talk.close()
        assert site.asked("cancel")[0]["of"] == asked["id"]


def test_a_line_without_end_is_cut() -> None:
    with Site([service("web")], OPEN, handlers={"logs": lambda _: None}) as site, site.connect() as talk:
        talk.sendall(b"GET /services/web/log HTTP/1.1\r\nHost: x\r\n\r\n")
        (asked,) = site.asked("logs")
        site.send({"id": asked["id"], "more": {"stream": "stdout", "time": None, "text": "x" * 100_000}})
        text = read_until(talk, b"}\n\n").decode()
        assert 4000 <= text.count("x") < 4100


def test_changes_come_as_they_happen_and_end_with_the_supervisor() -> None:
    with Site([service("web")], OPEN) as site, site.connect() as talk:
        talk.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        (asked,) = site.asked("events")
        site.send({"id": asked["id"], "more": {"event": "state", "label": EVIL, "from": "RUNNING"}})
        text = read_until(talk, b"retry:", b"data:", b"}\n\n").decode()
        (line,) = re.findall(r"^data: (.*)$", text, re.MULTILINE)
        assert json.loads(line) == {"event": "state", "label": EVIL}
        site.talk.shutdown(2)
        to_the_end(talk)
        assert site.ended() == 0
