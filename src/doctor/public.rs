//! The module proxies that everybody may use, in one table.

/// A proxy that is open to everybody, and who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicProxy {
    /// as it stands in GOPROXY
    pub url: &'static str,
    /// who runs it, and where
    pub by: &'static str,
}

/// All of them. A measurement asks each about well-known modules, and about no other.
pub const PUBLIC_PROXIES: [PublicProxy; 6] = [
    PublicProxy { url: "https://proxy.golang.org", by: "Google" },
    PublicProxy { url: "https://goproxy.cn", by: "Qiniu, China" },
    PublicProxy { url: "https://goproxy.io", by: "goproxy.io, China and elsewhere" },
    PublicProxy { url: "https://mirrors.aliyun.com/goproxy", by: "Alibaba, China" },
    PublicProxy { url: "https://mirrors.cloud.tencent.com/go", by: "Tencent, China" },
    PublicProxy { url: "https://repo.huaweicloud.com/repository/goproxy", by: "Huawei, China" },
];

/// Whether it is one of them, by its host.
pub(super) fn is_public(url: &str) -> bool {
    let host = |url: &str| url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).map(str::to_owned);
    let asked = host(url).map(|host| host.rsplit('@').next().unwrap_or_default().to_ascii_lowercase());
    PUBLIC_PROXIES.iter().any(|known| host(known.url) == asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_whatever_stands_around_it() {
        for url in
            ["https://goproxy.cn", "https://GOPROXY.cn/", "https://me:pw@proxy.golang.org/x", "http://goproxy.io"]
        {
            assert!(is_public(url), "{url}");
        }
        for url in ["https://goproxy.cn.corp.example", "https://goproxy.corp.example/goproxy.cn", "direct", "off"] {
            assert!(!is_public(url), "{url}");
        }
    }
}
