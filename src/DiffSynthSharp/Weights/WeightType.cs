using System.Text.Json.Serialization;

namespace DiffSynthSharp;

/// <summary>Element types that weights are written in.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<WeightType>))]
public enum WeightType
{
    /// <summary>IEEE single precision.</summary>
    [JsonStringEnumMemberName("f32")]
    F32,

    /// <summary>IEEE half precision: values up to 65504.</summary>
    [JsonStringEnumMemberName("f16")]
    F16,

    /// <summary>The upper half of a float32.</summary>
    [JsonStringEnumMemberName("bf16")]
    BF16,
}
