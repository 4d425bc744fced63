package audit

// What administrators do about messages.
const (
	MessageDriverPut    = "message_driver.put"
	MessageDriverSwitch = "message_driver.switch"
	MessageDriverMove   = "message_driver.move"
	MessageDriverRemove = "message_driver.remove"
	MessageDriverTest   = "message_driver.test" // a message to an address somebody typed
	TemplatePut         = "template.put"
	TemplateReset       = "template.reset"
)
