package api

import "time"

// MetricQuery asks for numbers over time.
type MetricQuery struct {
	PoolRef
	From      string `query:"from" doc:"from when on, RFC 3339 or a date; 14 days ago when it is not given"`
	To        string `query:"to" doc:"until when; now when it is not given"`
	Step      string `query:"step" enum:"hour,day" doc:"day when it is not given"`
	UTCOffset int    `query:"utc_offset" doc:"minutes that days begin ahead of UTC: 480 in China; 0 when it is not given"`
}

// Metrics are numbers over time.
type Metrics struct {
	Step   string         `json:"step" enum:"hour,day" doc:"how long a step is"`
	Starts []time.Time    `json:"starts" doc:"when each step begins"`
	Series []MetricSeries `json:"series" doc:"the numbers; what never happened is left out"`
}

// MetricSeries is one line of a chart.
type MetricSeries struct {
	Name   string    `json:"name" enum:"sign_in,sign_up,code_send,code_verify,message_parts,latency_ms" doc:"what was counted"`
	Label  string    `json:"label,omitempty" doc:"sign-in method, channel of a code, country of a message, p50 or p95"`
	Result string    `json:"result,omitempty" doc:"ok, a next step, or the code of a refusal"`
	Group  string    `json:"group,omitempty" enum:"ok,step,refused" doc:"the result in short"`
	Values []float64 `json:"values" doc:"one number a step"`
}

// Setup is how far a pool has been set up.
type Setup struct {
	Steps []SetupStep `json:"steps" doc:"what there is to do, in a good order"`
	Done  bool        `json:"done" doc:"nothing is left"`
}

// SetupStep is one thing to do.
type SetupStep struct {
	Name     string `json:"name" enum:"application,sms,mail,provider,sign_in" doc:"what there is to do"`
	Done     bool   `json:"done" doc:"it is done"`
	Optional bool   `json:"optional,omitempty" doc:"a pool can do without"`
	About    string `json:"about,omitempty" doc:"what it is done with, such as the vendor"`
}
