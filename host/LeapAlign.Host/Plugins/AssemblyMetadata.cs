using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace LeapAlign.Host.Plugins;

/// <summary>What an assembly file says about itself, read without loading it.</summary>
/// <param name="Name">Its simple name.</param>
/// <param name="Version">Its assembly version.</param>
/// <param name="References">The assemblies it was built against.</param>
internal sealed record AssemblyMetadata(string Name, Version Version, IReadOnlyList<(string Name, Version Version)> References)
{
    /// <summary>Reads a file.</summary>
    /// <returns>Null when it is not a .NET assembly.</returns>
    public static AssemblyMetadata? Read(string path)
    {
        try
        {
            using var image = new PEReader(File.OpenRead(path));
            if (!image.HasMetadata) return null;
            var metadata = image.GetMetadataReader();
            if (!metadata.IsAssembly) return null;
            var self = metadata.GetAssemblyDefinition();
            var references = metadata.AssemblyReferences.Select(handle => metadata.GetAssemblyReference(handle));
            return new(metadata.GetString(self.Name), self.Version, [.. references.Select(reference => (metadata.GetString(reference.Name), reference.Version))]);
        }
        catch (Exception failure) when (failure is BadImageFormatException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
