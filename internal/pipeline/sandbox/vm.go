package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"
)

// vm is one instance. The numbers its methods take and return are addresses in its
// memory, most of them of boxed values. After a trap err is set and calls do nothing.
type vm struct {
	ctx    context.Context //nolint:containedctx // lives as long as the worker.
	module api.Module
	stack  api.MutableGlobal
	err    error
}

var errMemory = errors.New("out of memory")

func (v *vm) close() { _ = v.module.Close(v.ctx) } // nothing is left that could fail.

func (v *vm) copyMemory() []byte {
	m := v.module.Memory()
	b, _ := m.Read(0, m.Size())
	return append([]byte(nil), b...)
}

func (v *vm) call(name string, args ...uint64) uint64 {
	if v.err != nil {
		return 0
	}
	f := v.module.ExportedFunction(name)
	if f == nil {
		v.err = fmt.Errorf("the interpreter has no %s", name)
		return 0
	}
	res, err := f.Call(v.ctx, args...)
	if err != nil {
		v.err = fmt.Errorf("%s: %w", name, err)
		return 0
	}
	if len(res) == 0 {
		return 0
	}
	return res[0]
}

// bytes copies b into the instance.
func (v *vm) bytes(b []byte) uint64 {
	ptr := v.call("wasm_malloc", uint64(len(b)))
	if v.err == nil && (ptr == 0 || !v.module.Memory().Write(uint32(ptr), b)) { //nolint:gosec // 32-bit addresses.
		v.err = errMemory
	}
	return ptr
}

// text copies s into the instance, with the zero that C wants behind it.
func (v *vm) text(s string) uint64 { return v.bytes(append([]byte(s), 0)) }

func (v *vm) newString(s string) uint64 {
	return v.call("qjs_new_string", v.text(s), uint64(len(s)))
}

func (v *vm) eval(source, file string) uint64 {
	return v.call("qjs_eval", v.text(source), uint64(len(source)), v.text(file), 0)
}

func (v *vm) invoke(function uint64, args ...uint64) uint64 {
	var list []byte
	for _, a := range args {
		list = binary.LittleEndian.AppendUint32(list, uint32(a)) //nolint:gosec // 32-bit addresses.
	}
	return v.call("qjs_call", function, v.call("qjs_get_undefined"), uint64(len(args)), v.bytes(append(list, 0)))
}

// getString reads a value as a string of at most limit bytes.
func (v *vm) getString(value uint64, limit uint32) (string, bool) {
	size := v.bytes(make([]byte, 4))
	ptr := v.call("qjs_get_string_len", value, size)
	if v.err != nil || ptr == 0 {
		return "", false
	}
	n, _ := v.module.Memory().ReadUint32Le(uint32(size)) //nolint:gosec // 32-bit addresses.
	if n > limit {
		return "", false
	}
	b, ok := v.module.Memory().Read(uint32(ptr), n) //nolint:gosec // 32-bit addresses.
	return string(b), ok
}

// exception says whether value is a thrown one, and its text.
func (v *vm) exception(value uint64) (string, bool) {
	if v.err != nil {
		return v.err.Error(), true
	}
	if v.call("qjs_is_exception", value) == 0 {
		return "", v.err != nil
	}
	text, ok := v.getString(v.call("qjs_get_exception"), maxFrame)
	if !ok {
		text = "an error without text"
	}
	return text, true
}
