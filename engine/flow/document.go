package flow

// Document is one parsed flow. A field is nil where the key is absent. Values
// are Nodes: what they mean is for engine.Compile to say.
type Document struct {
	File   string // as the user named it
	Source []byte
	Hash   string // hex SHA-256 of Source

	Flow        *Node
	Description *Node
	Campaign    *Node
	Class       *Node
	OncePer     *Node
	Env         []*Node
	Inputs      []*Input
	Connection  *Section // apiToken baseUrl authScheme rate timezone account
	Guard       *Section // maxSends perContact suppress hours monthlyCalls stopIf window
	Delivery    *Section // unknown settle
	Schedule    *Section // cron
	Moved       *Node
	Steps       []*Step
	Finally     []*Step
	Outputs     *Node // a map

	root *Node
}

// Key finds a key of the flow itself; nil when it is not written.
func (d *Document) Key(name string) *Node {
	if d.root == nil {
		return nil
	}
	return key(d.root, name)
}

// Section is a map of the grammar whose keys are fixed and checked.
type Section struct {
	Key  *Node // the key that opens it
	Node *Node // the map
}

// Get finds a value of the section; nil for an absent key or section.
func (s *Section) Get(key string) *Node {
	if s == nil {
		return nil
	}
	return s.Node.Get(key)
}

// Input is one entry of `inputs`.
type Input struct {
	Name *Node
	Node *Node // the map: type items required default pattern enum min max description sensitive
}

// Step is one entry of `steps` or `finally`: a use of a kind, or a block.
type Step struct {
	Node *Node // the whole map, for its span

	ID          *Node
	Name        *Node
	Uses        *Node
	With        *Node // a map
	If          *Node
	Else        *Node
	ForEach     *Node
	As          *Node
	Key         *Node
	Concurrency *Node
	Steps       []*Step
	Outputs     *Node    // a map
	Retry       *Section // attempts backoff
	Timeout     *Node
	OnError     *Node
	OncePer     *Node
}
