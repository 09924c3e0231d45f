//! What `help` says in each mode.
//!
//! Only the way around; what each word means is told by `?`, from the schema.

/// In operational mode.
pub(crate) const OPERATIONAL: &str = "\
Commands of operational mode:

  show ...         look at the router: 'show ip bgp summary', 'show ip route', 'show interfaces'
  clear ip bgp ... start BGP sessions afresh, 'soft' keeps them up
  ping HOST        send echo requests, ^C stops
  traceroute HOST  show the routers on the way
  configure        change the configuration
  exit             leave

TAB completes a word, ? lists what can follow. Words may be shortened as long as they are unique.
Behind a command: | match PATTERN, | no-match PATTERN, | count, | more, | no-more, | json
";

/// In configuration mode.
pub(crate) const CONFIGURATION: &str = "\
Commands of configuration mode:

  set PATH VALUE     change the working configuration
  delete PATH        remove a part of it
  comment PATH TEXT  write a comment above a part of it
  edit PATH          move into a part of it; 'up', 'top' and 'exit' lead back
  show [PATH]        show it: + new, - deleted, > changed
  compare            show only the changes; 'compare commands' as commands, 'compare saved' against the boot file
  commit check       tell what a commit would do, and do nothing
  commit             make the changes active, all of them or none
  discard            throw the changes away
  save [FILE]        keep the active configuration for the next boot
  load [FILE]        replace the working configuration with a file
  merge FILE         add a file to the working configuration
  run COMMAND        run a command of operational mode
  exit [discard]     leave

TAB completes a word, ? lists what can follow. Words may be shortened as long as they are unique.
Several commands fit on a line: 'commit; save', or 'commit && save' to save only what was committed.
";
