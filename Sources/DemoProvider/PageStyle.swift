import Crypto
import FoundationEssentials

/// The one style sheet, named in each page's policy by its digest (CSP Level 3 §8.3).
enum PageStyle {
    /// The digest as a source expression of the policy.
    static let digest =
        "sha256-" + Data(SHA256.hash(data: Data(sheet.utf8))).base64EncodedString()

    static let sheet = """
        :root{color-scheme:light dark;--accent:#0b6e63;--accent-ink:#fff;--page:#eef2f1;--card:#fff;
        --ink:#14211f;--soft:#566764;--line:#8fa19d;--hair:#dce4e2;--bad:#a8201a;--bad-page:#fdeeed}
        @media (prefers-color-scheme:dark){:root{--accent:#4fd1bf;--accent-ink:#04211d;
        --page:#0d1413;--card:#16201e;--ink:#e7efed;--soft:#9fb1ad;--line:#5f726e;--hair:#28352f;
        --bad:#ff9c94;--bad-page:#351614}}
        *{box-sizing:border-box}
        body{margin:0;min-height:100vh;padding:24px 16px;display:flex;flex-direction:column;
        align-items:center;justify-content:center;background:var(--page);color:var(--ink);
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        main{width:100%;max-width:420px;padding:32px;background:var(--card);
        border:1px solid var(--hair);border-radius:16px;box-shadow:0 12px 40px rgb(0 20 16/.08)}
        .brand{display:flex;align-items:center;gap:10px;margin:0 0 28px;font-weight:600;
        color:var(--soft)}
        .tile{fill:var(--accent)}.key{fill:var(--accent-ink)}
        h1{margin:0 0 4px;font-size:1.6rem;line-height:1.25;letter-spacing:-.01em}
        p{margin:0 0 16px}.lead{color:var(--soft)}.lead strong{color:var(--ink)}
        label{display:block;margin:16px 0 6px;font-weight:600;font-size:.9rem}
        input{width:100%;padding:12px 14px;font:inherit;color:inherit;background:var(--card);
        border:1px solid var(--line);border-radius:10px}
        input[aria-invalid]{border-color:var(--bad)}
        input:focus-visible,button:focus-visible,summary:focus-visible{
        outline:3px solid var(--accent);outline-offset:2px}
        .actions{display:flex;flex-direction:row;gap:12px;margin-top:24px}
        button{flex:1;padding:12px 18px;font:inherit;font-weight:600;cursor:pointer;
        color:var(--accent-ink);background:var(--accent);border:1px solid var(--accent);
        border-radius:10px}
        button:hover{filter:brightness(1.08)}
        .quiet{color:var(--ink);background:transparent;border-color:var(--line)}
        .problem{margin:16px 0 0;padding:12px 14px;border-radius:10px;color:var(--bad);
        background:var(--bad-page);font-weight:500}
        .mark{width:44px;height:44px;border-radius:50%;display:grid;place-items:center;
        font-size:1.5rem;font-weight:700;color:var(--bad);background:var(--bad-page)}
        .person{display:flex;align-items:center;gap:12px;margin:16px 0;padding:10px 14px;
        border:1px solid var(--hair);border-radius:12px;line-height:1.35}
        .person small{color:var(--soft)}
        .avatar{flex:none;width:40px;height:40px;border-radius:50%;display:grid;place-items:center;
        font-weight:600;color:var(--accent-ink);background:var(--accent)}
        .scopes{list-style:none;margin:0;padding:0}
        .scopes li{position:relative;padding:8px 0 8px 30px;border-top:1px solid var(--hair)}
        .scopes li::before{content:"";position:absolute;left:6px;top:14px;width:7px;height:12px;
        border:solid var(--accent);border-width:0 2.5px 2.5px 0;transform:rotate(42deg)}
        .scopes span{display:block;font-size:.9rem;color:var(--soft)}
        .fine{margin:20px 0 0;font-size:.8rem;color:var(--soft);overflow-wrap:anywhere}
        details{margin-top:24px;padding-top:16px;border-top:1px solid var(--hair);font-size:.9rem}
        summary{cursor:pointer;color:var(--soft)}
        table{width:100%;margin-top:10px;border-collapse:collapse;text-align:left}
        th{font-weight:600;color:var(--soft)}th,td{padding:4px 8px 4px 0}
        footer{margin-top:20px;font-size:.8rem;color:var(--soft);text-align:center}
        @media (max-width:480px){body{justify-content:flex-start;padding:0;background:var(--card)}
        main{border:0;border-radius:0;box-shadow:none;padding:24px 20px}
        .actions{flex-direction:column}}
        """
}
