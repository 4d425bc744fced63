package api

import "time"

// MessageKind is a vendor, or another way, that messages of a pool may travel by.
type MessageKind struct {
	Channel   string            `json:"channel" enum:"sms,email" doc:"what it carries"`
	Name      string            `json:"name" doc:"the kind, such as tencent"`
	Doc       string            `json:"doc" doc:"what it is"`
	Options   []MessageOption   `json:"options" doc:"its settings"`
	Simulated map[string]string `json:"simulated,omitempty" doc:"on a development server: settings for the vendor it plays itself"`
}

// MessageOption is one setting of a kind.
type MessageOption struct {
	Name     string `json:"name" doc:"the setting"`
	Doc      string `json:"doc" doc:"what it is"`
	Required bool   `json:"required" doc:"it does not work without"`
	Secret   bool   `json:"secret" doc:"it is never shown again"`
}

// MessageDriver is a vendor of a pool, without its secrets.
type MessageDriver struct {
	ID        string            `json:"id" doc:"your name of it"`
	Channel   string            `json:"channel" enum:"sms,email" doc:"what it carries"`
	Kind      string            `json:"kind" doc:"its kind, such as tencent"`
	Name      string            `json:"name,omitempty" doc:"what administrators see"`
	Countries []string          `json:"countries" doc:"dialling codes such as +86 that it is asked for; empty for every one"`
	Enabled   bool              `json:"enabled" doc:"messages travel by it"`
	Position  int               `json:"position" doc:"in which turn it is asked on its channel, from 1"`
	Settings  map[string]string `json:"settings" doc:"its settings without the secrets"`
	Secrets   []string          `json:"secrets" doc:"the secrets that are set"`
	ReportsTo string            `json:"reports_to,omitempty" doc:"address its vendor may report deliveries to; keep it secret. Only for who may change the driver"`
	CreatedAt time.Time         `json:"created_at" doc:"when it was made"`
	UpdatedAt time.Time         `json:"updated_at" doc:"when it was changed"`
}

// MessageDrivers are the vendors of a pool and, behind them, the server's own.
type MessageDrivers struct {
	Items  []MessageDriver `json:"items" doc:"the vendors of the pool by channel, in the order they are asked"`
	Server []ServerDriver  `json:"server" doc:"what the server itself is set up with"`
}

// ServerDriver is a vendor from the settings of the server.
type ServerDriver struct {
	Channel string `json:"channel" enum:"sms,email" doc:"what it carries"`
	Kind    string `json:"kind" doc:"its kind"`
	InUse   bool   `json:"in_use" doc:"messages of the pool travel by it, because the pool has no vendor of its own switched on"`
}

// MessageDriverRef names a vendor of a pool.
type MessageDriverRef struct {
	PoolRef
	ID string `path:"id" doc:"your name of it: lower-case letters, digits and hyphens"`
}

// MessageDriverPut makes a vendor or changes it.
type MessageDriverPut struct {
	MessageDriverRef
	Guarded
	Channel   string            `json:"channel" enum:"sms,email" doc:"what it carries; stays as it was made"`
	Kind      string            `json:"kind" doc:"its kind, such as tencent"`
	Name      *string           `json:"name,omitempty" doc:"what administrators see"`
	Countries *[]string         `json:"countries,omitempty" doc:"dialling codes such as +86 that it is asked for; empty for every one"`
	Enabled   *bool             `json:"enabled,omitempty" doc:"messages travel by it; a new one is on unless told otherwise"`
	Settings  map[string]string `json:"settings,omitempty" doc:"settings to change; an empty one is taken away. Secrets stay unless given, and have to be given when the address changes"`
}

// MessageDriverMove says in which turn a vendor is asked.
type MessageDriverMove struct {
	MessageDriverRef
	Position int `json:"position" doc:"in which turn it is asked on its channel, from 1"`
}

// TestMessage is a real message, with a code that is worth nothing, to an address of
// yours.
type TestMessage struct {
	MessageDriverRef
	To       string `json:"to" doc:"phone number or mail address of yours, written in any way"`
	Template string `json:"template,omitempty" doc:"which message; sign_in when it is not given"`
	Lang     string `json:"lang,omitempty" enum:"zh-CN,en" doc:"in which language; the pool's when it is not given"`
}

// TestResult is what the vendor said to a test message.
type TestResult struct {
	Delivery     string `json:"delivery" doc:"id of the message, to ask later what became of it"`
	Driver       string `json:"driver" doc:"id of the vendor"`
	Taken        bool   `json:"taken" doc:"the vendor took the message"`
	VendorID     string `json:"vendor_id,omitempty" doc:"its name of the message"`
	Units        int    `json:"units,omitempty" doc:"what it will charge for, where it says"`
	Class        string `json:"class,omitempty" enum:"rate_limited,exhausted,bad_address,no_route,misconfigured,unavailable" doc:"why it was not taken"`
	VendorCode   string `json:"vendor_code,omitempty" doc:"the vendor's word for it"`
	Maybe        bool   `json:"maybe,omitempty" doc:"it may have gone out all the same"`
	Detail       string `json:"detail,omitempty" doc:"more about it, for who reads logs"`
	Milliseconds int64  `json:"milliseconds" doc:"how long the vendor took"`
}

// Delivery is what is known of a message that was handed to a vendor. Neither its text
// nor its address is kept.
type Delivery struct {
	ID        string    `json:"id" doc:"id of the message"`
	Channel   string    `json:"channel" enum:"sms,email" doc:"how it travelled"`
	Driver    string    `json:"driver,omitempty" doc:"the vendor, by its id or as the server's settings name it"`
	VendorID  string    `json:"vendor_id,omitempty" doc:"the vendor's name of the message"`
	Country   string    `json:"country,omitempty" doc:"dialling code"`
	Status    string    `json:"status" enum:"sending,sent,failed,unknown,delivered,undelivered" doc:"sending: being handed over. sent: the vendor took it. failed: it certainly was not sent. unknown: nobody can say. delivered and undelivered: as the vendor reported"`
	Reason    string    `json:"reason,omitempty" doc:"why not, in the vendor's words"`
	Units     int       `json:"units" doc:"what the vendor charges for, where it says"`
	CreatedAt time.Time `json:"created_at" doc:"when it was first handed over"`
	UpdatedAt time.Time `json:"updated_at" doc:"when its status was noted"`
}

// DeliveryQuery looks for messages.
type DeliveryQuery struct {
	PoolRef
	Page
	To      string `query:"to" doc:"phone number or mail address it was for, written in any way"`
	Channel string `query:"channel" enum:"sms,email" doc:"how it travelled"`
	Status  string `query:"status" enum:"sending,sent,failed,unknown,delivered,undelivered,problem" doc:"how far it came; problem for failed, unknown and undelivered"`
	Since   string `query:"since" doc:"from when on, RFC 3339 or a date"`
	Until   string `query:"until" doc:"before when, RFC 3339 or a date"`
}

// DeliveryRef names a message.
type DeliveryRef struct {
	PoolRef
	ID string `path:"id" doc:"id of the message"`
}

// Suppression is an address that gets no mail, because mail came back from it. The
// address itself is not kept: look for one by typing it.
type Suppression struct {
	ID     string    `json:"id" doc:"stands for the address"`
	Status string    `json:"status" doc:"the last answer of its server, RFC 3463"`
	Hits   int       `json:"hits" doc:"how often mail came back"`
	Since  time.Time `json:"since" doc:"since when nothing is sent"`
}

// SuppressionQuery looks for addresses that get no mail.
type SuppressionQuery struct {
	PoolRef
	Page
	To string `query:"to" doc:"one mail address, written in any way"`
}

// SuppressionRef names an address that gets no mail.
type SuppressionRef struct {
	PoolRef
	ID string `path:"id" doc:"its id, or the mail address itself"`
}

// TestNumber is an address that gets a fixed code and no message.
type TestNumber struct {
	Number string    `json:"number" doc:"phone number or mail address"`
	Until  time.Time `json:"until" doc:"when the code stops to work"`
}

// TestNumberRef names a test number.
type TestNumberRef struct {
	PoolRef
	Number string `path:"number" doc:"phone number or mail address, written in any way"`
}

// TestNumberPut gives an address a fixed code. Whoever knows both can sign in with it.
type TestNumberPut struct {
	TestNumberRef
	Code  string `json:"code" doc:"4 to 10 digits; never shown again"`
	Until string `json:"until" doc:"last day it works, or a time in RFC 3339; a year ahead at most"`
}

// MessageTemplate are the words of one message on one channel in one language.
type MessageTemplate struct {
	Name         string           `json:"name" doc:"which message, such as sign_in"`
	Group        string           `json:"group" enum:"code,notice,operator" doc:"code: carries a code or a link. notice: something happened to an account. operator: something happened to the pool"`
	Channel      string           `json:"channel" enum:"sms,email" doc:"how it travels"`
	Lang         string           `json:"lang" enum:"zh-CN,en" doc:"language"`
	Subject      string           `json:"subject,omitempty" doc:"of a mail"`
	Text         string           `json:"text" doc:"the whole text message, or a mail in paragraphs"`
	Own          bool             `json:"own" doc:"these are the pool's own words and not the built-in ones"`
	UpdatedAt    *time.Time       `json:"updated_at,omitempty" doc:"when the pool's own words were changed"`
	Placeholders []string         `json:"placeholders" doc:"what may stand in braces"`
	Required     []string         `json:"required" doc:"what has to"`
	Size         *TextSize        `json:"size,omitempty" doc:"of a text message, with sample values and the signature"`
	BuiltIn      *BuiltInWords    `json:"built_in,omitempty" doc:"what resetting brings back; when one template is asked for"`
	Vendors      []VendorTemplate `json:"vendors,omitempty" doc:"vendors that send an approved template of their own instead of the text; when one template is asked for"`
}

// BuiltInWords are the words a template has by itself.
type BuiltInWords struct {
	Subject string `json:"subject,omitempty" doc:"of a mail"`
	Text    string `json:"text" doc:"the text"`
}

// TextSize is how long a text message is.
type TextSize struct {
	Characters int  `json:"characters" doc:"with sample values and the signature"`
	Parts      int  `json:"parts" doc:"how many messages carriers make of it, each of which costs"`
	Wide       bool `json:"wide" doc:"it has characters beyond the GSM alphabet, so that 70 fit into one message and not 160"`
}

// VendorTemplate is what a vendor sends, whatever the text says.
type VendorTemplate struct {
	Driver   string `json:"driver" doc:"id of the vendor"`
	Template string `json:"template" doc:"its approved template and what fills its variables; empty when none fits, so that it sends nothing"`
}

// MessageTemplateRef names the words of one message.
type MessageTemplateRef struct {
	PoolRef
	Name    string `path:"name" doc:"which message, such as sign_in"`
	Channel string `path:"channel" enum:"sms,email" doc:"how it travels"`
	Lang    string `path:"lang" enum:"zh-CN,en" doc:"language"`
}

// MessageTemplatePut gives a pool words of its own.
type MessageTemplatePut struct {
	MessageTemplateRef
	Guarded
	Subject string `json:"subject,omitempty" doc:"of a mail"`
	Text    string `json:"text" doc:"the whole text message, or a mail in paragraphs with an empty line between; {code} and so on in braces"`
}

// MessagePreview asks how words would look; words that are not given are those in force.
type MessagePreview struct {
	MessageTemplateRef
	Subject string `json:"subject,omitempty" doc:"of a mail"`
	Text    string `json:"text,omitempty" doc:"the text to show instead of the one in force"`
}

// PreviewedMessage is a message with sample values.
type PreviewedMessage struct {
	Subject string    `json:"subject,omitempty" doc:"of a mail"`
	Text    string    `json:"text" doc:"the text people without HTML see, or the text message"`
	HTML    string    `json:"html,omitempty" doc:"the mail as most people see it"`
	Size    *TextSize `json:"size,omitempty" doc:"of a text message"`
}
