package sms

import (
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

// Drivers lists every driver. A new vendor is a file and a line here.
func Drivers() []driver.Kind[Driver] {
	return []driver.Kind[Driver]{
		{Name: webhookName, Doc: "POST each message to an address of yours, signed.", Options: webhookOptions(), Open: newWebhook},
		{Name: tencentName, Doc: "Tencent Cloud SMS.", Options: tencentOptions(), Open: newTencent},
		{Name: aliyunName, Doc: "Aliyun SMS.", Options: aliyunOptions(), Open: newAliyun},
		{Name: twilioName, Doc: "Twilio.", Options: twilioOptions(), Open: newTwilio},
		{Name: logName, Doc: "Write messages to a file and send none; for development.", Options: logOptions(), Open: newLog},
	}
}

// New makes the driver called name from its settings.
func New(name string, set map[string]string, now func() time.Time) (Driver, error) {
	return driver.Open("sms", Drivers(), name, set, now)
}

// Reporting are the drivers whose vendors report what became of messages.
func Reporting() []string { return []string{aliyunName, tencentName, twilioName} }
