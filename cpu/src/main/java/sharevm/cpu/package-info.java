/** The processor as its users see it: state, engines, the bus that it drives. */
package sharevm.cpu;
