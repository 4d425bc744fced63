package provider

// Kinds lists every vendor. A new one is a file and a line here.
func Kinds() []Kind {
	return []Kind{
		vendor("wechat_open", "WeChat on websites, with a QR code.", wechatOpenOptions(), newWeChatOpen),
		vendor("wechat_mp", "WeChat's own browser, as an official account.", wechatMPOptions(), newWeChatMP),
		vendor("wechat_mini", "A WeChat mini-program.", wechatMiniOptions(), newWeChatMini),
		vendor("wecom", "WeCom, for the members of one company.", wecomOptions(), newWeCom),
		vendor("apple", "Sign in with Apple.", appleOptions(), newApple),
		vendor("oidc", "Any OpenID provider with a discovery document.", oidcOptions(), openOIDC),
		vendor("google", "Google, with the check of the Workspace domain.", googleOptions(), openGoogle),
		vendor("github", "GitHub OAuth apps.", githubOptions(), openGitHub),
		vendor("gitee", "Gitee.", giteeOptions(), openGitee),
		vendor("oauth2", "Any OAuth 2.0 server that says in JSON who a token is of.", oauth2Options(), openOAuth2),
		vendor("qq", "QQ Connect.", qqOptions(), openQQ),
		vendor("weibo", "Sina Weibo.", weiboOptions(), openWeibo),
		vendor("alipay", "Alipay, for websites and its own browser.", alipayOptions(), openAlipay),
		vendor("dingtalk", "DingTalk.", dingtalkOptions(), openDingTalk),
		vendor("feishu", "Feishu or Lark.", feishuOptions(), openFeishu),
	}
}

// Relayed reports whether the vendor of kind sends the code to the app's own page, because
// it checks no more of the address than its domain, and the app hands it to us. Other
// vendors send it to our callback.
func Relayed(kind string) bool {
	switch kind {
	case "wechat_open", "wechat_mp", "wecom":
		return true
	}
	return false
}

// Pageless reports whether the vendor of kind has no page at all: its own library hands
// the app a code.
func Pageless(kind string) bool { return kind == "wechat_mini" }
