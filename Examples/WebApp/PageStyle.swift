import Crypto
import Foundation

/// The one style sheet, named in each page's policy by its digest (CSP Level 3 §8.3).
enum PageStyle {
    static let source =
        "'sha256-\(Data(SHA256.hash(data: Data(sheet.utf8))).base64EncodedString())'"

    static let sheet = """
        :root{color-scheme:light dark;--accent:#1d4f91;--accent-ink:#fff;--page:#f2f4f8;
        --card:#fff;--ink:#161c26;--soft:#525e70;--hair:#dbe1ea;--bad:#9b1c1c;--bad-page:#fdeeee}
        @media (prefers-color-scheme:dark){:root{--accent:#8ab8f2;--accent-ink:#0a1b30;
        --page:#10141b;--card:#191f29;--ink:#e8ecf3;--soft:#a2aec0;--hair:#2b3442;--bad:#ffa29b;
        --bad-page:#3a1718}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        header{background:var(--card);border-bottom:1px solid var(--hair)}
        .bar,main{max-width:760px;margin:0 auto;padding:12px 20px}
        .bar{min-height:64px;display:flex;align-items:center;gap:14px}
        .brand{margin-right:auto;font-weight:650;color:inherit;text-decoration:none}
        main{padding-top:32px;padding-bottom:48px}
        h1{margin:0 0 6px;font-size:1.75rem;line-height:1.25;letter-spacing:-.01em}
        p{margin:0 0 16px}.lead,.who,small{color:var(--soft)}.who{margin:0;font-size:.9rem}
        a{color:var(--accent)}form{margin:0}
        button,.button{display:inline-block;padding:10px 20px;font:inherit;font-weight:600;
        cursor:pointer;text-decoration:none;color:var(--accent-ink);background:var(--accent);
        border:1px solid var(--accent);border-radius:10px}
        button:hover,.button:hover{filter:brightness(1.08)}
        .quiet{padding:6px 14px;color:var(--ink);background:transparent;border-color:var(--soft)}
        :focus-visible{outline:3px solid var(--accent);outline-offset:2px}
        .cards{list-style:none;margin:24px 0 0;padding:0;display:grid;gap:12px}
        .cards li{padding:16px 18px;background:var(--card);border:1px solid var(--hair);
        border-radius:14px;display:flex;gap:12px;align-items:center;justify-content:space-between}
        .cards strong,.cards a,.cards small{display:block}
        .cards strong,.cards a{font-weight:600;overflow-wrap:anywhere}
        .tag{flex:none;padding:2px 10px;font-size:.85rem;border:1px solid var(--hair);
        border-radius:99px}
        .problem{padding:12px 16px;border-radius:10px;color:var(--bad);background:var(--bad-page);
        font-weight:500}
        """
}
