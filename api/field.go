package api

import "encoding/json"

// CustomField is a field of people that a pool defines.
type CustomField struct {
	Key      string          `json:"key" doc:"name of the field in the API"`
	DataType string          `json:"data_type" enum:"STRING,NUMBER,DATETIME,BOOLEAN,OBJECT,SELECT" doc:"what it holds"`
	Label    string          `json:"label,omitempty" doc:"what people see; the key when it is not given"`
	Options  json.RawMessage `json:"options,omitempty" doc:"what a SELECT may hold: a list of texts"`
}

// CustomFieldRef names a custom field.
type CustomFieldRef struct {
	PoolRef
	Key string `path:"key" doc:"name of the field"`
}

// CustomFieldPut makes a custom field or changes it.
type CustomFieldPut struct {
	CustomFieldRef
	DataType string          `json:"data_type" enum:"STRING,NUMBER,DATETIME,BOOLEAN,OBJECT,SELECT" doc:"what it holds"`
	Label    string          `json:"label,omitempty" doc:"what people see; the key when it is not given"`
	Options  json.RawMessage `json:"options,omitempty" doc:"what a SELECT may hold: a list of texts"`
}
