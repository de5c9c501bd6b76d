using LeapAlign.Pipeline;

namespace LeapAlign.Host.Configuration;

/// <summary>plugins.json with the overrides of the command line.</summary>
internal static class ConfigurationFile
{
    /// <summary>Reads the file and applies <c>--set</c> in order; what the keys mean is checked when the run is composed.</summary>
    /// <param name="path">The file, as the user named it.</param>
    /// <param name="overrides"><c>path.to.key=value</c>.</param>
    public static Result<JsonSource> Read(string path, IEnumerable<string> overrides)
    {
        if (!File.Exists(path))
        {
            return new Fault.Configuration(FaultCodes.ConfigurationNotFound, "there is no such file; 'leapalign init' writes one, --config names another", new(path));
        }
        return overrides.Aggregate(JsonSource.Read(path), (source, text) => source.Bind(read => Override.Apply(read, text)));
    }
}
