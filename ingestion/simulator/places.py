"""Where visitors live and what they browse with."""

from __future__ import annotations

COUNTRY = "中国"

#: (province, city, weight): weights follow rough shares of online shoppers.
CITIES: tuple[tuple[str, str, float], ...] = (
    ("广东省", "广州市", 9.0),
    ("广东省", "深圳市", 10.0),
    ("广东省", "佛山市", 3.5),
    ("上海市", "上海市", 12.0),
    ("北京市", "北京市", 10.5),
    ("浙江省", "杭州市", 8.0),
    ("浙江省", "宁波市", 3.5),
    ("浙江省", "温州市", 2.5),
    ("江苏省", "南京市", 5.0),
    ("江苏省", "苏州市", 5.5),
    ("江苏省", "无锡市", 2.5),
    ("四川省", "成都市", 6.5),
    ("重庆市", "重庆市", 4.5),
    ("湖北省", "武汉市", 5.0),
    ("湖南省", "长沙市", 3.5),
    ("山东省", "济南市", 2.5),
    ("山东省", "青岛市", 3.0),
    ("河南省", "郑州市", 4.0),
    ("陕西省", "西安市", 3.5),
    ("福建省", "福州市", 2.2),
    ("福建省", "厦门市", 2.3),
    ("安徽省", "合肥市", 2.6),
    ("辽宁省", "沈阳市", 2.0),
    ("辽宁省", "大连市", 1.8),
    ("天津市", "天津市", 3.0),
    ("河北省", "石家庄市", 1.8),
    ("云南省", "昆明市", 1.6),
    ("广西壮族自治区", "南宁市", 1.4),
    ("黑龙江省", "哈尔滨市", 1.3),
    ("新疆维吾尔自治区", "乌鲁木齐市", 0.8),
)

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"

#: (device class, user agent, weight) of people's devices.
AGENTS: tuple[tuple[str, str, float], ...] = (
    ("mobile", f"Mozilla/5.0 (Linux; Android 14; V2309A) {_WEBKIT} Chrome/124.0.0.0 Mobile Safari/537.36", 20),
    ("mobile", f"Mozilla/5.0 (Linux; Android 13; M2102K1C) {_WEBKIT} Chrome/121.0.0.0 Mobile Safari/537.36", 14),
    (
        "mobile",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.4 Mobile/15E148 Safari/604.1",
        18,
    ),
    (
        "mobile",
        "Mozilla/5.0 (Linux; Android 12; NOH-AN00) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        "Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.48",
        16,
    ),
    ("desktop", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/124.0.0.0 Safari/537.36", 16),
    ("desktop", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/123.0.0.0 Safari/537.36 Edg/123.0", 6),
    (
        "desktop",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.4 Safari/605.1.15",
        6,
    ),
    (
        "tablet",
        "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/16.6 Mobile/15E148 Safari/604.1",
        4,
    ),
)

#: What the shop's own backend calls itself when it posts a purchase.
SERVER_AGENT = "python-requests/2.32.3"

#: User agents of bots that say what they are; the last one belongs to the uptime monitor.
BOT_AGENTS: tuple[str, ...] = (
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YisouSpider/5.0; +http://www.sm.cn/help/spider.html)",
    SERVER_AGENT,  # a crawler that calls itself what the shop's backend does
    "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
)

#: The one browser that a swarm of one-hit visitors claims to be: years out of date.
SWARM_AGENT = f"Mozilla/5.0 (Windows NT 6.1; WOW64) {_WEBKIT} Chrome/41.0.2272.89 Safari/537.36"
