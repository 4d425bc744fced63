package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	xargon2 "golang.org/x/crypto/argon2"
)

// ErrStream says that a sealed stream does not open: it is damaged, cut off, or sealed
// with another key or passphrase.
var ErrStream = errors.New("the stream is damaged, cut off, or sealed with another key")

const (
	chunkBytes   = 64 << 10
	streamNonce  = 12
	streamKey    = 32
	lastChunk    = 1
	moreChunks   = 0
	counterBytes = 8
)

// A sealed stream is a list of chunks of 64 KiB, each under AES-256-GCM with a nonce that
// counts them and says whether one is the last (the STREAM construction), so that none can
// be changed, moved, repeated or cut off. Each stream has a key of its own, derived from
// the given one and the header, which is not secret and must be different for each stream.

// SealStream returns a writer whose Close ends the stream; it does not close w. The header
// needs at least 16 random bytes in it.
func SealStream(w io.Writer, key, header []byte) (io.WriteCloser, error) {
	aead, err := streamCipher(key, header)
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead, w: w, plain: make([]byte, 0, chunkBytes)}, nil
}

// OpenStream returns a reader of what was written to SealStream with the same key and
// header. Whatever it returns before an error is what was written; io.EOF means that all
// of it was there. Its error is ErrStream, or that of r.
func OpenStream(r io.Reader, key, header []byte) (io.Reader, error) {
	aead, err := streamCipher(key, header)
	if err != nil {
		return nil, err
	}
	return &opener{aead: aead, r: r, sealed: make([]byte, chunkBytes+aead.Overhead()+1)}, nil
}

func streamCipher(key, header []byte) (cipher.AEAD, error) {
	sum := sha256.Sum256(header)
	derived, err := hkdf.Key(sha256.New, key, sum[:], "tigertally v1 stream", streamKey)
	if err != nil {
		return nil, fmt.Errorf("stream key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("stream cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// nonceOf is the nonce of a chunk.
func nonceOf(count uint64, last byte) []byte {
	nonce := make([]byte, streamNonce)
	binary.BigEndian.PutUint64(nonce[streamNonce-counterBytes-1:], count)
	nonce[streamNonce-1] = last
	return nonce
}

type sealer struct {
	aead   cipher.AEAD
	w      io.Writer
	plain  []byte
	sealed []byte
	count  uint64
	err    error
}

// Write implements io.Writer.
func (s *sealer) Write(p []byte) (int, error) {
	n := 0
	for len(p) > 0 && s.err == nil {
		if len(s.plain) == chunkBytes { // there is more, so it is not the last
			s.flush(moreChunks)
		}
		took := copy(s.plain[len(s.plain):chunkBytes], p)
		s.plain = s.plain[:len(s.plain)+took]
		n, p = n+took, p[took:]
	}
	return n, s.err
}

func (s *sealer) flush(last byte) {
	if s.err != nil {
		return
	}
	s.sealed = s.aead.Seal(s.sealed[:0], nonceOf(s.count, last), s.plain, nil)
	_, s.err = s.w.Write(s.sealed)
	s.plain, s.count = s.plain[:0], s.count+1
}

// Close writes the last chunk, which may be empty.
func (s *sealer) Close() error {
	s.flush(lastChunk)
	err := s.err
	if s.err == nil {
		s.err = errors.New("the stream has ended")
	}
	return err
}

type opener struct {
	aead   cipher.AEAD
	r      io.Reader
	sealed []byte
	have   int // bytes of sealed that are read: one more than a chunk tells the last
	plain  []byte
	count  uint64
	err    error
}

// Read implements io.Reader.
func (o *opener) Read(p []byte) (int, error) {
	for len(o.plain) == 0 && o.err == nil {
		o.next()
	}
	if len(o.plain) == 0 {
		return 0, o.err
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

// next opens one chunk. It looks one byte beyond, because only the last one has none.
func (o *opener) next() {
	n, err := io.ReadFull(o.r, o.sealed[o.have:])
	o.have += n
	last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !last {
		o.err = err
		return
	}
	size, flag := o.have, byte(lastChunk)
	if !last {
		size, flag = o.have-1, moreChunks
	}
	var opened []byte
	if opened, err = o.aead.Open(nil, nonceOf(o.count, flag), o.sealed[:size], nil); err != nil {
		o.err = ErrStream
		return
	}
	o.plain, o.count = opened, o.count+1
	if last {
		o.err = io.EOF
		return
	}
	o.sealed[0], o.have = o.sealed[o.have-1], 1
}

// PassphraseKey derives the key of a stream from a passphrase with argon2id. It refuses
// costs above those of a stored password hash, for they come with the stream.
func PassphraseKey(passphrase string, salt []byte, p Argon2Params) ([]byte, error) {
	p = p.withDefaults()
	if p.Memory > maxMemory || p.Time > maxTime || p.Threads > maxThreads || len(salt) < saltBytes {
		return nil, ErrHashCost
	}
	return xargon2.IDKey([]byte(passphrase), salt, p.Time, p.Memory, p.Threads, streamKey), nil
}

// StreamKey is the key of streams of one purpose, derived from the master key.
func (k *Keyring) StreamKey(purpose string) ([]byte, error) {
	return k.derive("stream "+purpose, streamKey)
}

// ID names the master key without telling anything of it.
func (k *Keyring) ID() string { return fmt.Sprintf("%x", k.id) }
