package sharevm.lab.house;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The project's compiled classes, tests apart, as they are on the class path. */
final class ProjectClasses {
  private ProjectClasses() {}

  /** Returns all of them. */
  static List<ClassModel> all() {
    List<ClassModel> classes = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Path path = Path.of(entry);
      if (path.endsWith(Path.of("target", "classes")) && Files.isDirectory(path)) {
        read(path, classes);
      } else if (path.getFileName().toString().matches("sharevm-.*\\.jar")) {
        try (FileSystem jar = FileSystems.newFileSystem(path)) {
          read(jar.getPath("/"), classes);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
    return classes;
  }

  /** Returns the module of a class by its internal name: {@code cpu} of {@code sharevm/cpu/Cpu}. */
  static String module(String internalName) {
    return internalName.split("/", -1)[1];
  }

  /** Returns whether an internal name is one of the project's. */
  static boolean isOurs(String internalName) {
    return internalName.startsWith("sharevm/");
  }

  private static void read(Path root, List<ClassModel> classes) {
    try (Stream<Path> files = Files.walk(root, FileVisitOption.FOLLOW_LINKS)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
        ClassModel model = ClassFile.of().parse(Files.readAllBytes(file));
        if (isOurs(model.thisClass().asInternalName())) {
          classes.add(model);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
