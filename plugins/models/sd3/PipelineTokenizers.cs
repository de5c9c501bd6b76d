using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>Opens the tokenizers of a pipeline folder.</summary>
internal static class PipelineTokenizers
{
}
