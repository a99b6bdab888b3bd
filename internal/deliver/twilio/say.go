package twilio

import (
	"encoding/xml"
	"strings"

	"countersign/internal/verify"
)

// say makes the TwiML that speaks a text. The text holds a name that a tenant
// chose: escaped, it can be no verb such as Dial, which would call at our cost.
func say(m verify.Message) string {
	var b strings.Builder
	b.WriteString("<Response><Say")
	if language := languages[m.Locale]; language != "" {
		b.WriteString(` language="` + language + `"`)
	}
	b.WriteString(">")
	_ = xml.EscapeText(&b, []byte(m.Text.Reveal())) // a strings.Builder takes everything
	b.WriteString("</Say></Response>")
	return b.String()
}

// languages are what Say takes as language, by our locales ("TwiML Voice: Say"; the SDKs
// list the values). Which voice speaks is the account's choice. With a locale that is not
// here no language is named, and Twilio speaks the account's own.
var languages = map[string]string{
	"ar": "arb", "cs": "cs-CZ", "da": "da-DK", "de": "de-DE", "el": "el-GR", "en": "en-US", "es": "es-ES", "fi": "fi-FI",
	"fr": "fr-FR", "he": "he-IL", "hi": "hi-IN", "hu": "hu-HU", "id": "id-ID", "it": "it-IT", "ja": "ja-JP", "ko": "ko-KR",
	"nb": "nb-NO", "nl": "nl-NL", "pl": "pl-PL", "pt": "pt-PT", "pt-BR": "pt-BR", "ro": "ro-RO", "ru": "ru-RU", "sv": "sv-SE",
	"af": "af-ZA", "bg": "bg-BG", "bn": "bn-IN", "ca": "ca-ES", "en-GB": "en-GB", "fil": "fil-PH", "gu": "gu-IN", "kn": "kn-IN",
	"lv": "lv-LV", "ml": "ml-IN", "mr": "mr-IN", "ms": "ms-MY", "pa": "pa-IN", "sk": "sk-SK", "sr": "sr-RS", "ta": "ta-IN",
	"te": "te-IN", "zh-HK": "zh-HK",
	"th": "th-TH", "tr": "tr-TR", "uk": "uk-UA", "vi": "vi-VN", "zh-CN": "zh-CN", "zh-TW": "zh-TW",
}
