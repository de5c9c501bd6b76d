using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Models;

/// <summary>A size of pictures that a model will be asked for.</summary>
/// <param name="Size">The size.</param>
/// <param name="Place">Where somebody asks for it: a key of plugins.json, an option of the command line.</param>
public sealed record AskedSize(ImageSize Size, SourcePlace? Place);
