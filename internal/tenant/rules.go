package tenant

// What each kind is called by, and what must not be stored.

func (a *Account) meta() *Meta    { return &a.Meta }
func (k *APIKey) meta() *Meta     { return &k.Meta }
func (p *Profile) meta() *Meta    { return &p.Meta }
func (t *Template) meta() *Meta   { return &t.Meta }
func (l *RateLimit) meta() *Meta  { return &l.Meta }
func (b *Bucket) meta() *Meta     { return &b.Meta }
func (s *Sender) meta() *Meta     { return &s.Meta }
func (n *SafeNumber) meta() *Meta { return &n.Meta }
func (w *Webhook) meta() *Meta    { return &w.Meta }

func (a *Account) name() string    { return a.Name }
func (k *APIKey) name() string     { return "" } // two live ones may have one name
func (p *Profile) name() string    { return "" } // neither vendor keeps two apart by name
func (t *Template) name() string   { return "" }
func (l *RateLimit) name() string  { return l.Name }
func (b *Bucket) name() string     { return "" }
func (s *Sender) name() string     { return s.Country }
func (n *SafeNumber) name() string { return n.Hash }
func (w *Webhook) name() string    { return w.Name }

func (a *Account) check() error    { panic("not yet") }
func (k *APIKey) check() error     { panic("not yet") }
func (p *Profile) check() error    { panic("not yet") }
func (t *Template) check() error   { panic("not yet") }
func (l *RateLimit) check() error  { panic("not yet") }
func (b *Bucket) check() error     { panic("not yet") }
func (s *Sender) check() error     { panic("not yet") }
func (n *SafeNumber) check() error { panic("not yet") }
func (w *Webhook) check() error    { panic("not yet") }
