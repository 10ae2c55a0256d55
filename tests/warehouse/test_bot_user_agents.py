"""Which user agents are taken for programs': those that say so, and no telephone, tablet or app of a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest

from orchestration.mart_specs import read_manifest

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"

PEOPLE = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/124.0.0.0",
    f"Mozilla/5.0 (Linux; Android 12; CUBOT X50) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; CUBOT_NOTE_S) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; ruby Build/TP1A.220624.014; wv) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 11; Smart Monitor M8) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; HealthMonitor Tab) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; BlackPerl 5) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; Perl View 7) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 12; Abbott) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 12; Spiderman Edition) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 12; V2309A) {CHROME} Mobile Safari/537.36 MicroMessenger/8.0.47 MiniProgramEnv",
    f"{SAFARI} Mobile/15E148 [FBAN/FBIOS;FBAV/450.0]",
    f"{SAFARI} Mobile/15E148 Instagram 325.0 (iPhone14,5; iOS 17_4)",
    f"{SAFARI} Mobile/15E148 [Pinterest/iOS]",
    f"{SAFARI} Mobile/15E148 Snapchat/12.80",
    f"{SAFARI} GSA/310.0 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Electron/29.0 Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android 4.4; en; Java) UCWEB/2.0 (Java; U; MIDP-2.0) U2/1.0 UCBrowser/10",
    "Nokia6300/2.0 Profile/MIDP-2.0 Configuration/CLDC-1.1 UNTRUSTED/1.0 Java/1.0",
    "Apache-HttpClient/UNAVAILABLE (java 1.4)",
    "ShopApp/3.2 (iPhone; iOS 17.4; Scale/3.00) CFNetwork/1494 Darwin/23.4",
    "okhttp/4.12.0",
    "Dalvik/2.1.0 (Linux; U; Android 13; M2102K1C)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0",
    "Opera/9.80 (Android; Opera Mini/36.2/191.256; U; en) Presto/2.12.423 Version/12.16",
]

PROGRAMS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; Googlebot/2.1) Chrome/99 Mobile Safari/537.36 (Linux; Android 6.0.1; Nexus 5X)",
    "Mozilla/5.0 (compatible; GoogleOther)",
    "GoogleOther-Image/1.0",
    "Storebot-Google/1.0",
    "AdsBot-Google (+http://www.google.com/adsbot.html)",
    "APIs-Google (+https://developers.google.com/webmasters/APIs-Google.html)",
    "Mediapartners-Google",
    "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
    "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)",
    f"Mozilla/5.0 {CHROME} Safari/537.36; compatible; bingbot/2.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36 Chrome-Lighthouse",
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME.replace('Chrome', 'HeadlessChrome')} Safari/537.36",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "meta-externalfetcher/1.1",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
    "Mozilla/5.0 (compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Perplexity-User/1.0)",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Mozilla/5.0 (compatible; Amazonbot/0.1; +https://developer.amazon.com/support/amazonbot)",
    "Mozilla/5.0 (compatible; Amzn-User/0.1)",
    "amazon-kendra-web-crawler-abc",
    "Amazon-Route53-Health-Check-Service (ref 1; report http://amzn.to/1vsZADi)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
    "Mozilla/5.0 (compatible; YisouSpider/5.0; +http://www.sm.cn/help/spider.html)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Monitoring/1.0",
    "SiteMonitor/3.1",
    "ia_archiver (+http://www.alexa.com/site/help/webmasters)",
    "WhatsApp/2.23.20.0",
    "curl/8.5.0",
    "libcurl/7.88",
    "Wget/1.21.4",
    "Java/17.0.2",
    "Java-http-client/17",
    "Apache-HttpClient/4.5.13 (Java/11.0.20)",
    "Jakarta Commons-HttpClient/3.1",
    "Go-http-client/2.0",
    "python-requests/2.32",
    "Python/3.11 aiohttp/3.9.1",
    "Python-urllib/3.11",
    "Ruby",
    "rest-client/2.1.0 (linux x86_64) ruby/3.2.2",
    "libwww-perl/6.67",
    "Perl-Win32::Internet/0.082",
    "LWP::Simple/6.67 libwww-perl/6.67",
    "Scrapy/2.11 (+https://scrapy.org)",
    "axios/1.6.7",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "node",
    "GuzzleHttp/7",
    "PostmanRuntime/7.36.1",
    "Screaming Frog SEO Spider/19.4",
]


@pytest.fixture(scope="module")
def pattern(dbt_manifest: Path) -> str:
    """The regular expression that the project's macro returns."""
    found: list[Any] = []
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["return"] = lambda value: found.append(value) or ""
    source = read_manifest()["macros"]["macro.footfall.bot_user_agent_pattern"]["macro_sql"]
    environment.from_string(source + "{{ bot_user_agent_pattern() }}").render()
    (one,) = found
    assert isinstance(one, str)
    return one


def _taken_for_programs(pattern: str, user_agents: list[str]) -> list[str]:
    return [
        agent
        for (agent,) in duckdb.execute(
            "select agent from unnest($agents) as agents(agent) where regexp_matches(lower(agent), $pattern)",
            {"agents": user_agents, "pattern": pattern},
        ).fetchall()
    ]


def test_people_s_browsers_and_apps_are_left_alone(pattern: str) -> None:
    assert _taken_for_programs(pattern, PEOPLE) == []


def test_programs_that_say_so_are_found(pattern: str) -> None:
    assert set(PROGRAMS) - set(_taken_for_programs(pattern, PROGRAMS)) == set()
