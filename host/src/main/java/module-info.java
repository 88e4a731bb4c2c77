/** The only module that calls native code: guest memory, executable memory, the terminal. */
module sharevm.host {
  exports sharevm.host;
}
