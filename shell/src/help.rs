//! What `help` says in each mode.
//!
//! Only the way around; what each word means is told by `?`, from the schema.

/// In operational mode.
pub(crate) const OPERATIONAL: &str = "\
Commands of operational mode:

  show ...         look at the router: 'show ip bgp summary', 'show ip route', 'show interfaces'
  monitor ...      see what happens until ^C: 'monitor log', 'monitor bgp', 'monitor interfaces'
  clear ip bgp ... start BGP sessions afresh, 'soft' keeps them up; 'reset ip bgp ...' is the same
  ping HOST        send echo requests, ^C stops
  traceroute HOST  show the routers on the way
  terminal ...     how the terminal is used: 'terminal length 0' for no pages
  configure        change the configuration
  exit             leave

TAB completes a word, ? lists what can follow. Words may be shortened as long as they are unique.
Within a quoted text ? is a letter; Alt-? lists there too, and ^V ? types one anywhere.
Behind a command: | match PATTERN, | no-match PATTERN, | count, | more, | no-more, | json, | commands,
| strip-private, | save FILE
";

/// In configuration mode.
pub(crate) const CONFIGURATION: &str = "\
Commands of configuration mode:

  set PATH VALUE           change the working configuration
  delete PATH              remove a part of it
  copy TAG A to TAG B      put a copy beside an instance; 'rename' gives it another name
  comment PATH TEXT        write a comment above a part of it
  edit PATH                move into a part of it; 'up', 'top' and 'exit' lead back
  show [PATH]              show it: + new, - deleted, > changed
  compare                  show only the changes: 'compare commands' as commands, 'compare saved' against the boot
                           file, 'compare N' against a revision, 'compare N M' two revisions
  commit check             tell what a commit would do, and do nothing
  commit [comment TEXT]    make the changes active, all of them or none
  commit-confirm [MINUTES] the same, taken back unless 'confirm' follows in time
  rollback N               load a revision; 'run show system commit' lists them
  discard                  throw the changes away
  save [FILE|URL]          keep the active configuration for the next boot
  load [FILE|URL]          replace the working configuration with a file
  merge FILE|URL           add a file to the working configuration
  run COMMAND              run a command of operational mode
  exit [discard]           leave

TAB completes a word, ? lists what can follow. Words may be shortened as long as they are unique.
Several commands fit on a line: 'commit; save', or 'commit && save' to save only what was committed.
";
