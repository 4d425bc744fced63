package authing

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/user"
)

// fieldOperations are those of custom data: what fields there are (udf) and what people
// have in them (udv).
func (p *Protocol) fieldOperations() map[string]operation {
	return map[string]operation{
		"udf":              managed(p, query, p.listFields),
		"setUdf":           managed(p, mutation, p.defineField),
		"removeUdf":        managed(p, mutation, p.removeField),
		"udv":              either(p, query, nil, p.listValues),
		"setUdv":           either(p, mutation, nil, p.setValues),
		"setUdvBatch":      either(p, mutation, nil, p.setValues),
		"removeUdv":        either(p, mutation, nil, p.removeValue),
		"udfValueBatch":    managed(p, query, p.valuesOf),
		"setUdfValueBatch": managed(p, mutation, p.setValuesOf),
	}
}

// target is what custom data belongs to. With us only people have some.
type target struct {
	TargetType string `json:"targetType"`
}

const targetUser = "USER"

// Validate refuses what is not a person.
func (t target) Validate() error {
	if t.TargetType != targetUser {
		return errs.New(errs.NotImplemented)
	}
	return nil
}

// customField describes a field of the pool.
type customField struct {
	TargetType string  `json:"targetType"`
	DataType   string  `json:"dataType"`
	Key        string  `json:"key"`
	Label      string  `json:"label"`
	Options    *string `json:"options"`
}

func customFieldOf(f field.Field) customField {
	return customField{targetUser, f.DataType, f.Key, f.Label, orNull(f.Options)}
}

func (p *Protocol) listFields(ctx context.Context, m admin.Manager, _ target) (any, error) {
	fields, err := p.admin.Fields(ctx, m)
	if err != nil {
		return nil, err
	}
	out := make([]customField, len(fields))
	for i, f := range fields {
		out[i] = customFieldOf(f)
	}
	return out, nil
}

type fieldRequest struct {
	target
	Key      string `json:"key"`
	DataType string `json:"dataType"`
	Label    string `json:"label"`
	Options  string `json:"options"`
}

func (p *Protocol) defineField(ctx context.Context, m admin.Manager, in fieldRequest) (any, error) {
	f, err := p.admin.DefineField(ctx, m, field.Field{
		Key: in.Key, DataType: in.DataType, Label: in.Label, Options: in.Options,
	})
	return customFieldOf(f), err
}

func (p *Protocol) removeField(ctx context.Context, m admin.Manager, in fieldRequest) (any, error) {
	return nil, p.admin.RemoveField(ctx, m, in.Key)
}

// valueRequest asks for values of one person, or sets some: one in Key and Value, or a
// list. A value is JSON text.
type valueRequest struct {
	target
	TargetID text          `json:"targetId"`
	Key      string        `json:"key"`
	Value    string        `json:"value"`
	List     []customInput `json:"udvList"`
}

type customInput struct {
	TargetID text   `json:"targetId"`
	Key      string `json:"key"`
	Value    string `json:"value"`
}

// native is the value of a JSON text. Some clients write texts without quotes.
func native(value string) any {
	var v any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		return value
	}
	return v
}

func (p *Protocol) listValues(ctx context.Context, s speaker, in valueRequest) (any, error) {
	o, err := p.userOf(ctx, s, in.TargetID)
	if err != nil {
		return nil, err
	}
	return p.customTexts(ctx, o.UserPoolID, o.custom)
}

func (p *Protocol) setValues(ctx context.Context, s speaker, in valueRequest) (any, error) {
	if in.Key != "" {
		in.List = append(in.List, customInput{Key: in.Key, Value: in.Value})
	}
	values := make(map[string]any, len(in.List))
	for _, v := range in.List {
		values[v.Key] = native(v.Value)
	}
	return p.changeValues(ctx, s, in.TargetID, values)
}

func (p *Protocol) removeValue(ctx context.Context, s speaker, in valueRequest) (any, error) {
	return p.changeValues(ctx, s, in.TargetID, map[string]any{in.Key: nil})
}

// changeValues sets values, nil ones away, and answers with all there are then.
func (p *Protocol) changeValues(ctx context.Context, s speaker, id text, values map[string]any) (any, error) {
	var u user.User
	var err error
	if s.manager != nil {
		u, err = p.admin.SetCustom(ctx, *s.manager, string(id), values)
	} else if err = self(*s.person, id); err == nil {
		u, err = p.account.SetCustom(ctx, *s.person, values, false)
	}
	if err != nil {
		return nil, err
	}
	return p.customTexts(ctx, u.PoolID, u.Custom)
}

type valuesOfRequest struct {
	target
	IDs []string `json:"targetIds"`
}

// valuesOf is what one person has.
type valuesOf struct {
	TargetID string        `json:"targetId"`
	Data     []customValue `json:"data"`
}

// valuesOf answers for every id it is asked for; nobody has nothing.
func (p *Protocol) valuesOf(ctx context.Context, m admin.Manager, in valuesOfRequest) (any, error) {
	people, err := p.admin.Batch(ctx, m, in.IDs, "")
	if err != nil {
		return nil, err
	}
	custom := make(map[string]map[string]any, len(people))
	for _, u := range people {
		custom[u.ID] = u.Custom
	}
	out := make([]valuesOf, len(in.IDs))
	for i, id := range in.IDs {
		data, err := p.customTexts(ctx, m.PoolID, custom[id])
		if err != nil {
			return nil, err
		}
		out[i] = valuesOf{id, data}
	}
	return out, nil
}

type setValuesOfRequest struct {
	target
	Input []customInput `json:"input"`
}

// setValuesOf sets values of several people, one person after the other.
func (p *Protocol) setValuesOf(ctx context.Context, m admin.Manager, in setValuesOfRequest) (any, error) {
	var order []string
	values := make(map[string]map[string]any)
	for _, v := range in.Input {
		id := string(v.TargetID)
		if values[id] == nil {
			values[id] = make(map[string]any)
			order = append(order, id)
		}
		values[id][v.Key] = native(v.Value)
	}
	for _, id := range order {
		if _, err := p.admin.SetCustom(ctx, m, id, values[id]); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// graphqlUser is a person with custom data in the form GraphQL clients read.
type graphqlUser struct {
	userObject
	CustomData []customValue `json:"customData"`
}

func (p *Protocol) graphqlUser(ctx context.Context, o userObject) (graphqlUser, error) {
	data, err := p.customTexts(ctx, o.UserPoolID, o.custom)
	return graphqlUser{o, data}, err
}

// customTexts lists what somebody has in the fields of the pool, in texts.
func (p *Protocol) customTexts(ctx context.Context, poolID string, custom map[string]any) ([]customValue, error) {
	values, err := p.customOf(ctx, user.User{PoolID: poolID, Custom: custom})
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		if values[i].Value, err = written(v.DataType, v.Value); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// written is a value the way GraphQL clients read it: JSON, but texts plain, and moments
// in milliseconds, which is the one form all of their readers take.
func written(dataType string, value any) (string, error) {
	text, isText := value.(string)
	switch dataType {
	case field.String, field.Select:
		if isText {
			return text, nil
		}
	case field.Datetime:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil {
				return strconv.FormatInt(t.UnixMilli(), 10), nil
			}
		}
	}
	encoded, err := json.Marshal(value)
	return string(encoded), err
}
