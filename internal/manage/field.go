package manage

import (
	"context"
	"encoding/json"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with custom fields.
const (
	FieldList   Op = "field.list"
	FieldPut    Op = "field.put"
	FieldRemove Op = "field.remove"
)

// fieldOperations are what can be done with custom fields.
func fieldOperations() []Operation {
	return []Operation{
		{FieldList, operator.PoolsRead, "List the custom fields of people"},
		{FieldPut, operator.PoolsWrite, "Make a custom field of people, or change it"},
		{FieldRemove, operator.PoolsWrite, "End a custom field; what people have in it is kept and comes back with it"},
	}
}

// Fields lists the custom fields of a pool. There are few: they are not paged.
func (s *Service) Fields(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.CustomField], err error) {
	m, err := s.may(ctx, p, FieldList, in.Pool)
	if err != nil {
		return list, err
	}
	fields, err := s.d.Admin.Fields(ctx, m)
	list.Items = make([]api.CustomField, len(fields))
	for i, f := range fields {
		list.Items[i] = fieldView(f)
	}
	return list, err
}

// PutField makes a custom field or changes it. Errors: BadRequest.
func (s *Service) PutField(ctx context.Context, p operator.Principal, in api.CustomFieldPut) (api.CustomField, error) {
	m, err := s.may(ctx, p, FieldPut, in.Pool)
	if err != nil {
		return api.CustomField{}, err
	}
	f, err := s.d.Admin.DefineField(ctx, m, field.Field{Key: in.Key, DataType: in.DataType, Label: in.Label, Options: string(in.Options)})
	return fieldView(f), err
}

// RemoveField ends a custom field. Errors: FieldUndefined.
func (s *Service) RemoveField(ctx context.Context, p operator.Principal, in api.CustomFieldRef) (api.None, error) {
	m, err := s.may(ctx, p, FieldRemove, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.Admin.RemoveField(ctx, m, in.Key)
}

func fieldView(f field.Field) api.CustomField {
	v := api.CustomField{Key: f.Key, DataType: f.DataType, Label: f.Label}
	if json.Valid([]byte(f.Options)) {
		v.Options = json.RawMessage(f.Options)
	}
	return v
}
