//go:build !linux

package argon2

// Memory is the working space of one hash at a time.
type Memory struct{ blocks []block }

func (m *Memory) grow(blocks uint32) ([]block, error) {
	if uint32(len(m.blocks)) < blocks {
		m.blocks = make([]block, blocks)
	}
	return m.blocks[:blocks], nil
}

// Release drops the memory; the collector takes it.
func (m *Memory) Release() { m.blocks = nil }
